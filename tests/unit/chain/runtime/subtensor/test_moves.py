from typing import Any

import pytest

from chain.runtime.declarations import module_error
from chain.runtime.invariants import check_state
from chain.runtime.subtensor import pools, positions
from tests.support.dev_chain import ALICE, BOB, HOTKEY, OTHER_HOTKEY, TAO, DevChain, events_of, stake

AMOUNT = 1_000 * TAO


def held(chain: DevChain, hotkey: bytes, coldkey: bytes, netuid: int) -> int:
    return positions.stake_of(chain.state, hotkey, coldkey, netuid)


def move(**changes: Any) -> Any:
    args = {
        "origin_hotkey": HOTKEY,
        "destination_hotkey": OTHER_HOTKEY,
        "origin_netuid": 1,
        "destination_netuid": 1,
        "alpha_amount": AMOUNT,
    }
    return stake("move_stake", **{**args, **changes})


def give(**changes: Any) -> Any:
    args = {
        "destination_coldkey": BOB.public,
        "hotkey": HOTKEY,
        "origin_netuid": 1,
        "destination_netuid": 1,
        "alpha_amount": AMOUNT,
    }
    return stake("transfer_stake", **{**args, **changes})


def swap(**changes: Any) -> Any:
    args = {"hotkey": HOTKEY, "origin_netuid": 1, "destination_netuid": 4, "alpha_amount": AMOUNT}
    return stake("swap_stake", **{**args, **changes})


def swap_limit(limit: int, *, partial: bool, **changes: Any) -> Any:
    name, args = swap(**changes)[1]
    return stake("swap_stake_limit", **args, limit_price=limit, allow_partial=partial) if name else None


def test_a_move_within_a_subnet_books_shares_anew_without_swap_and_fee() -> None:
    chain, twin = DevChain(), DevChain()
    before = held(chain, HOTKEY, ALICE.public, 1)

    result = chain.run((ALICE, move()))
    twin.apply()

    assert result.receipts[1].success
    assert 0 <= before - AMOUNT - held(chain, HOTKEY, ALICE.public, 1) <= 1
    assert AMOUNT - 1 <= held(chain, OTHER_HOTKEY, ALICE.public, 1) <= AMOUNT
    assert pools.pool_of(chain.state, 1) == pools.pool_of(twin.state, 1)
    assert "Transfer" not in [name for _, name, _ in events_of(result, 1)]
    check_state(chain.state)


def test_stake_given_to_another_coldkey_stays_under_its_hotkey() -> None:
    chain = DevChain()
    before = held(chain, HOTKEY, BOB.public, 1)

    result = chain.run((ALICE, give()))

    assert AMOUNT - 1 <= held(chain, HOTKEY, BOB.public, 1) - before <= AMOUNT
    assert HOTKEY in positions.staking_hotkeys(chain.state, BOB.public)
    (told,) = [fields for _, name, fields in events_of(result, 1) if name == "StakeTransferred"]
    assert told[:5] == (ALICE.public, BOB.public, HOTKEY, 1, 1)
    assert told[5] == pools.tao_worth(chain.state, 1, AMOUNT)
    check_state(chain.state)


def test_a_swap_between_subnets_is_a_sale_and_a_purchase_with_one_fee() -> None:
    chain = DevChain()
    before = held(chain, HOTKEY, ALICE.public, 4)

    result = chain.run((ALICE, swap()))

    told = {name: fields for _, name, fields in events_of(result, 1) if name.startswith("Stake")}
    removed, added, swapped = told["StakeRemoved"], told["StakeAdded"], told["StakeSwapped"]
    assert removed[2] == added[2] == swapped[4]
    assert removed[5] > 0
    assert added[5] == 0
    assert 0 <= before + added[3] - held(chain, HOTKEY, ALICE.public, 4) <= 1
    check_state(chain.state)


def test_a_swap_from_root_pays_its_fee_on_the_purchase() -> None:
    chain = DevChain()
    chain.run((ALICE, stake("add_stake", hotkey=HOTKEY, netuid=0, amount_staked=20 * TAO)))

    result = chain.run((ALICE, swap(origin_netuid=0, alpha_amount=20 * TAO)))

    told = {name: fields for _, name, fields in events_of(result, 1) if name.startswith("Stake")}
    assert told["StakeRemoved"][5] == 0
    assert told["StakeAdded"][5] > 0
    assert held(chain, HOTKEY, ALICE.public, 0) == 0
    check_state(chain.state)


def test_a_swap_to_root_brings_tao_one_to_one() -> None:
    chain = DevChain()

    result = chain.run((ALICE, swap(destination_netuid=0)))

    told = {name: fields for _, name, fields in events_of(result, 1) if name.startswith("Stake")}
    assert held(chain, HOTKEY, ALICE.public, 0) == told["StakeRemoved"][2]
    check_state(chain.state)


def test_a_limited_swap_is_filled_killed_or_cut() -> None:
    chain = DevChain()
    ratio = (pools.price_q64(chain.state, 1) << 64) // pools.price_q64(chain.state, 4) * TAO >> 64

    killed = chain.run((ALICE, swap_limit(ratio * 2, partial=False, alpha_amount=100_000 * TAO)))
    filled = chain.run((ALICE, swap_limit(ratio // 10, partial=False)))
    before = held(chain, HOTKEY, ALICE.public, 1)
    cut = chain.run((ALICE, swap_limit(ratio * 9 // 10, partial=True, alpha_amount=400_000 * TAO)))

    assert killed.receipts[1].error == module_error("SubtensorModule", "SlippageTooHigh")
    assert filled.receipts[1].success
    if cut.receipts[1].success:
        assert before - held(chain, HOTKEY, ALICE.public, 1) < 400_000 * TAO
    check_state(chain.state)


def test_limits_between_root_and_a_subnet_are_those_of_the_pool() -> None:
    chain = DevChain()
    chain.run((ALICE, stake("add_stake", hotkey=HOTKEY, netuid=0, amount_staked=50 * TAO)))
    price = pools.price_q64(chain.state, 3) * TAO >> 64

    to_root = chain.run(
        (ALICE, swap_limit(price * 95 // 100, partial=True, origin_netuid=3, destination_netuid=0)),
    )
    from_root = chain.run(
        (ALICE, swap_limit(10**18 // (price * 11 // 10), partial=True, origin_netuid=0, destination_netuid=3)),
    )

    assert to_root.receipts[1].success
    assert from_root.receipts[1].success
    check_state(chain.state)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (move(destination_hotkey=HOTKEY), "SameNetuid"),
        (swap(destination_netuid=1), "SameNetuid"),
        (move(destination_netuid=77), "SubnetNotExists"),
        (move(destination_hotkey=b"\x55" * 32), "HotKeyAccountNotExists"),
        (give(alpha_amount=1_000), "AmountTooLow"),
        (swap(alpha_amount=1_000_000), "AmountTooLow"),
        (give(alpha_amount=0), "NotEnoughStakeToWithdraw"),
        (swap_limit(1, partial=True, destination_netuid=77), "SubnetNotExists"),
    ],
)
def test_a_move_is_refused_with_the_reference_error(call: Any, error: str) -> None:
    chain = DevChain()

    result = chain.run((ALICE, call))

    assert result.receipts[1].error == module_error("SubtensorModule", error)


def test_a_subnet_can_forbid_gifts_and_trading() -> None:
    chain = DevChain()
    calls = [
        ("AdminUtils", ("sudo_set_toggle_transfer", {"netuid": 1, "toggle": False})),
        ("AdminUtils", ("sudo_set_subtoken_enabled", {"netuid": 4, "subtoken_enabled": False})),
    ]
    chain.run(*((ALICE, ("Sudo", ("sudo", {"call": call}))) for call in calls))

    result = chain.run((ALICE, give()), (ALICE, swap()), (ALICE, move(alpha_amount=2 * AMOUNT)))

    assert result.receipts[1].error == module_error("SubtensorModule", "TransferDisallowed")
    assert result.receipts[2].error == module_error("SubtensorModule", "SubtokenDisabled")
    assert result.receipts[3].success
