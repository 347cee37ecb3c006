from typing import Any

import pytest

from chain.runtime.declarations import module_error
from chain.runtime.invariants import check_state
from chain.runtime.subtensor import pools, positions
from tests.support.dev_chain import ALICE, HOTKEY, TAO, DevChain, events_of, stake

MODULE = "SubtensorModule"


def held(chain: DevChain, netuid: int) -> int:
    return positions.stake_of(chain.state, HOTKEY, ALICE.public, netuid)


def error(name: str) -> Any:
    return module_error(MODULE, name)


def test_a_whole_position_is_sold_within_its_limit_or_not_at_all() -> None:
    chain = DevChain()
    free = chain.free(ALICE.public)
    price = pools.price_q64(chain.state, 3) * TAO >> 64

    tight = chain.run((ALICE, stake("remove_stake_full_limit", hotkey=HOTKEY, netuid=3, limit_price=price * 99 // 100)))
    kept = held(chain, 3)
    loose = chain.run((ALICE, stake("remove_stake_full_limit", hotkey=HOTKEY, netuid=3, limit_price=None)))

    assert tight.receipts[1].error == error("SlippageTooHigh")
    assert kept > 0 == held(chain, 3)
    fees = tight.receipts[1].fee_rao + loose.receipts[1].fee_rao
    (sold,) = [fields for _, name, fields in events_of(loose, 1) if name == "StakeRemoved"]
    assert chain.free(ALICE.public) - free == sold[2] - fees
    check_state(chain.state)


def test_all_positions_under_a_hotkey_are_sold_but_those_that_cannot_be() -> None:
    chain = DevChain()
    chain.run((ALICE, stake("add_stake", hotkey=HOTKEY, netuid=0, amount_staked=5 * TAO)))
    chain.state = chain.state.commit({(f"{MODULE}.SubtokenEnabled", (2,)): False})

    result = chain.run((ALICE, stake("unstake_all", hotkey=HOTKEY)))

    assert result.receipts[1].success
    assert [netuid for netuid in range(7) if held(chain, netuid)] == [2]
    check_state(chain.state)


def test_all_alpha_can_become_root_stake() -> None:
    chain = DevChain()
    free = chain.free(ALICE.public)

    result = chain.run((ALICE, stake("unstake_all_alpha", hotkey=HOTKEY)))

    told = events_of(result, 1)
    brought = sum(fields[2] for _, name, fields in told if name == "StakeRemoved")
    assert [netuid for netuid in range(7) if held(chain, netuid)] == [0]
    assert held(chain, 0) == brought
    assert free - chain.free(ALICE.public) == result.receipts[1].fee_rao
    check_state(chain.state)


def test_recycled_alpha_leaves_the_issuance_and_burned_alpha_does_not() -> None:
    chain, twin = DevChain(), DevChain()
    amount = 1_000 * TAO

    result = chain.run(
        (ALICE, stake("recycle_alpha", hotkey=HOTKEY, netuid=1, amount=amount)),
        (ALICE, stake("burn_alpha", hotkey=HOTKEY, netuid=2, amount=amount)),
    )
    twin.skip(1)

    outstanding = f"{MODULE}.SubnetAlphaOut"
    assert [receipt.error for receipt in result.receipts] == [None, None, None]
    assert twin.state.get(outstanding, 1) - chain.state.get(outstanding, 1) == amount
    assert twin.state.get(outstanding, 2) == chain.state.get(outstanding, 2)
    assert chain.state.get("AlphaAssets.AlphaBurned", 2) == amount
    assert [held(twin, netuid) - held(chain, netuid) for netuid in (1, 2)] == [amount, amount]
    check_state(chain.state)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (stake("recycle_alpha", hotkey=HOTKEY, netuid=0, amount=TAO), "CannotBurnOrRecycleOnRootSubnet"),
        (stake("burn_alpha", hotkey=HOTKEY, netuid=77, amount=TAO), "SubnetNotExists"),
        (stake("burn_alpha", hotkey=HOTKEY, netuid=1, amount=2**62), "NotEnoughStakeToWithdraw"),
        (stake("burn_alpha", hotkey=HOTKEY, netuid=1, amount=0), "AmountTooLow"),
        (stake("burn_alpha", hotkey=b"\x55" * 32, netuid=1, amount=TAO), "HotKeyAccountNotExists"),
        (stake("unstake_all", hotkey=b"\x55" * 32), "HotKeyAccountNotExists"),
        (stake("unstake_all_alpha", hotkey=b"\x55" * 32), "HotKeyAccountNotExists"),
        (stake("remove_stake_full_limit", hotkey=HOTKEY, netuid=77, limit_price=None), "SubtokenDisabled"),
    ],
)
def test_an_exit_is_refused_with_the_reference_error(call: Any, expected: str) -> None:
    chain = DevChain()

    assert chain.run((ALICE, call)).receipts[1].error == error(expected)
