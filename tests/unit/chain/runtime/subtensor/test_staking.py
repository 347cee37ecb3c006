from typing import Any

import pytest

from amm import reference as amm
from amm.reference import Side
from chain.keys import KeyPair, subnet_account
from chain.runtime.declarations import module_error
from chain.runtime.invariants import check_state
from chain.runtime.state import Overlay
from chain.runtime.subtensor import pools, positions
from chain.runtime.transition import apply_block
from tests.support.dev_chain import ALICE, AUTHOR, BOB, HOTKEY, TAO, DevChain, events_of, stake, transfer

POOR = KeyPair.from_seed(b"\x06" * 32)


def add(netuid: int, tao: int, **limit: Any) -> Any:
    name = "add_stake_limit" if limit else "add_stake"
    return stake(name, hotkey=HOTKEY, netuid=netuid, amount_staked=tao, **limit)


def remove(netuid: int, alpha: int, **limit: Any) -> Any:
    name = "remove_stake_limit" if limit else "remove_stake"
    return stake(name, hotkey=HOTKEY, netuid=netuid, amount_unstaked=alpha, **limit)


def alice_stake(chain: DevChain, netuid: int) -> int:
    return positions.stake_of(chain.state, HOTKEY, ALICE.public, netuid)


def pool_before_calls(chain: DevChain, netuid: int) -> amm.Pool:
    """Return the pool as the next block's extrinsics will find it, after the block's own emission."""
    twin = DevChain(state=chain.state)
    result = apply_block(twin.state, twin.inputs())
    overlay = Overlay(twin.state)
    for (item, keys), value in result.changes.items():
        overlay.put(item, *keys, value)
    return pools.pool_of(overlay, netuid)


def error(name: str, pallet: str = "SubtensorModule") -> Any:
    return module_error(pallet, name)


@pytest.mark.parametrize("netuid", [1, 2, 3, 4, 5, 6])
def test_a_buy_moves_exactly_what_the_pool_arithmetic_says(netuid: int) -> None:
    chain = DevChain()
    chain.skip(3)
    pool, held, free = pool_before_calls(chain, netuid), alice_stake(chain, netuid), chain.free(ALICE.public)
    expected = amm.swap(pool, Side.BUY, 3 * TAO)

    result = chain.run((ALICE, add(netuid, 3 * TAO)))

    assert result.receipts[1].success
    assert pools.pool_of(chain.state, netuid) == expected.pool
    assert 0 <= held + expected.amount_out - alice_stake(chain, netuid) <= 1
    assert free - chain.free(ALICE.public) == 3 * TAO + result.receipts[1].fee_rao
    added = [fields for _, name, fields in events_of(result, 1) if name == "StakeAdded"]
    assert added == [(ALICE.public, HOTKEY, 3 * TAO, expected.amount_out, netuid, expected.fee)]
    assert chain.free(AUTHOR) == expected.fee + result.receipts[1].fee_rao
    check_state(chain.state)


@pytest.mark.parametrize("netuid", [1, 3, 4])
def test_a_sale_pays_the_coldkey_and_sells_the_fee_for_the_author(netuid: int) -> None:
    chain = DevChain()
    chain.skip(3)
    pool, held, free = pool_before_calls(chain, netuid), alice_stake(chain, netuid), chain.free(ALICE.public)
    expected = amm.swap(pool, Side.SELL, 1_000 * TAO)
    author = amm.swap(expected.pool, Side.SELL, expected.fee, drop_fees=True)

    result = chain.run((ALICE, remove(netuid, 1_000 * TAO)))

    fee = result.receipts[1].fee_rao
    assert result.receipts[1].success
    assert pools.pool_of(chain.state, netuid) == author.pool
    assert 0 <= held - 1_000 * TAO - alice_stake(chain, netuid) <= 1
    assert chain.free(ALICE.public) - free == expected.amount_out - fee
    assert chain.free(AUTHOR) == author.amount_out + fee
    removed = [fields for _, name, fields in events_of(result, 1) if name == "StakeRemoved"]
    assert removed == [(ALICE.public, HOTKEY, expected.amount_out, 1_000 * TAO, netuid, expected.fee)]
    check_state(chain.state)


def test_the_tao_legs_are_transfers_between_coldkey_and_subnet_account() -> None:
    chain = DevChain()

    result = chain.run((ALICE, add(1, TAO)), (ALICE, remove(1, 50 * TAO)))

    pot = subnet_account(1)
    bought = [fields for _, name, fields in events_of(result, 1) if name == "Transfer"]
    sold = [fields for _, name, fields in events_of(result, 2) if name == "Transfer"]
    assert [(leg["from"], leg["to"]) for leg in bought] == [(ALICE.public, pot), (pot, AUTHOR)]
    assert bought[0]["amount"] == TAO
    assert [(leg["from"], leg["to"]) for leg in sold] == [(pot, ALICE.public), (pot, AUTHOR)]


def test_a_limited_buy_stops_at_the_price_and_spends_what_that_takes() -> None:
    chain = DevChain()
    chain.skip(2)
    pool = pool_before_calls(chain, 3)
    limit = amm.spot_rao(pool) * 110 // 100
    most = amm.max_input_for_limit(pool, Side.BUY, limit_rao=limit)
    free = chain.free(ALICE.public)

    result = chain.run((ALICE, add(3, 500 * TAO, limit_price=limit, allow_partial=True)))

    assert result.receipts[1].success
    assert free - chain.free(ALICE.public) - result.receipts[1].fee_rao == most
    assert amm.spot_rao(pools.pool_of(chain.state, 3)) <= limit
    assert most < 500 * TAO
    check_state(chain.state)


def test_a_limited_sale_stops_at_the_price_and_gives_the_rest_back() -> None:
    chain = DevChain()
    chain.skip(2)
    pool, held = pool_before_calls(chain, 3), alice_stake(chain, 3)
    limit = amm.spot_rao(pool) * 90 // 100
    most = amm.max_input_for_limit(pool, Side.SELL, limit_rao=limit)

    result = chain.run((ALICE, remove(3, held, limit_price=limit, allow_partial=True)))

    assert result.receipts[1].success
    (fields,) = [fields for _, name, fields in events_of(result, 1) if name == "StakeRemoved"]
    assert abs(held - alice_stake(chain, 3) - fields[3]) <= 1
    assert abs(fields[3] - most) <= 1
    check_state(chain.state)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (add(3, 500 * TAO, limit_price=5_100_000, allow_partial=False), error("SlippageTooHigh")),
        (add(3, TAO, limit_price=1_000_000, allow_partial=True), error("PriceLimitExceeded", "Swap")),
        (remove(3, 10**12, limit_price=9_000_000, allow_partial=True), error("PriceLimitExceeded", "Swap")),
        (remove(3, 5 * 10**12, limit_price=4_900_000, allow_partial=False), error("SlippageTooHigh")),
        (add(1, 1_000_000), error("AmountTooLow")),
        (add(1, 2_000_000), error("AmountTooLow")),
        (add(77, TAO), error("SubnetNotExists")),
        (add(3, 60_000 * TAO), error("InsufficientLiquidity")),
        (add(1, 2_000_000 * TAO), error("NotEnoughBalanceToStake")),
        (stake("add_stake", hotkey=b"\x55" * 32, netuid=1, amount_staked=TAO), error("HotKeyAccountNotExists")),
        (remove(1, 1_000), error("AmountTooLow")),
        (remove(1, 1), error("InsufficientLiquidity")),
        (remove(1, 0), error("AmountTooLow")),
        (stake("remove_stake", hotkey=b"\x55" * 32, netuid=1, amount_unstaked=TAO), error("AmountTooLow")),
        (
            stake(
                "remove_stake_limit",
                hotkey=b"\x55" * 32,
                netuid=1,
                amount_unstaked=TAO,
                limit_price=0,
                allow_partial=True,
            ),
            error("NotEnoughStakeToWithdraw"),
        ),
        (remove(77, 1), error("SubtokenDisabled")),
    ],
)
def test_a_stake_call_is_refused_with_the_reference_error_and_costs_only_its_fee(call: Any, expected: Any) -> None:
    chain = DevChain()
    free, stakes = chain.free(ALICE.public), [alice_stake(chain, netuid) for netuid in range(7)]

    result = chain.run((ALICE, call))

    assert result.receipts[1].error == expected
    assert free - chain.free(ALICE.public) == result.receipts[1].fee_rao
    assert [alice_stake(chain, netuid) for netuid in range(7)] == stakes


def test_a_whole_position_can_be_closed_however_small() -> None:
    chain = DevChain()
    chain.run((BOB, stake("add_stake", hotkey=HOTKEY, netuid=1, amount_staked=2_100_000)))
    held = positions.stake_of(chain.state, HOTKEY, BOB.public, 1)

    result = chain.run((BOB, stake("remove_stake", hotkey=HOTKEY, netuid=1, amount_unstaked=2**63)))

    assert held > 0
    assert result.receipts[1].success
    assert positions.stake_of(chain.state, HOTKEY, BOB.public, 1) == 0
    check_state(chain.state)


def test_staking_never_takes_the_coldkeys_last_rao() -> None:
    chain = DevChain()
    chain.run((ALICE, transfer(POOR.public, TAO)))
    fee = 1_600_000

    result = chain.run((POOR, stake("add_stake", hotkey=HOTKEY, netuid=1, amount_staked=TAO - fee)))

    assert result.receipts[1].success
    assert chain.free(POOR.public) >= 500


def test_root_trades_one_to_one_and_without_fee() -> None:
    chain = DevChain()
    free = chain.free(ALICE.public)

    bought = chain.run((ALICE, add(0, 10 * TAO)))
    held = alice_stake(chain, 0)
    sold = chain.run((ALICE, remove(0, 4 * TAO)))

    assert held == 10 * TAO
    assert alice_stake(chain, 0) == 6 * TAO
    fees = bought.receipts[1].fee_rao + sold.receipts[1].fee_rao
    assert free - chain.free(ALICE.public) == 6 * TAO + fees
    check_state(chain.state)


def test_who_has_no_tao_pays_the_fee_in_the_alpha_that_is_given_up() -> None:
    chain = DevChain()
    give = stake(
        "transfer_stake",
        destination_coldkey=POOR.public,
        hotkey=HOTKEY,
        origin_netuid=1,
        destination_netuid=1,
        alpha_amount=100 * TAO,
    )
    chain.run((ALICE, give))
    held = positions.stake_of(chain.state, HOTKEY, POOR.public, 1)
    back = stake(
        "transfer_stake",
        destination_coldkey=ALICE.public,
        hotkey=HOTKEY,
        origin_netuid=1,
        destination_netuid=1,
        alpha_amount=held,
    )

    result = chain.run((POOR, back))

    assert result.receipts[1].success
    (paid,) = [fields for _, name, fields in events_of(result, 1) if name == "TransactionFeePaidWithAlpha"]
    assert paid["who"] == POOR.public
    assert 0 < paid["alpha_fee"] < held
    assert abs(paid["tao_amount"] - result.receipts[1].fee_rao) <= 2
    assert positions.stake_of(chain.state, HOTKEY, POOR.public, 1) == 0
    assert chain.free(POOR.public) == 0
    check_state(chain.state)


def test_a_nomination_that_became_too_small_is_closed() -> None:
    chain = DevChain()
    setting = ("AdminUtils", ("sudo_set_nominator_min_required_stake", {"min_stake": 10_000_000}))
    chain.run(
        (ALICE, ("Sudo", ("sudo", {"call": setting}))),
        (BOB, stake("add_stake", hotkey=HOTKEY, netuid=1, amount_staked=30_000_000)),
    )
    held = positions.stake_of(chain.state, HOTKEY, BOB.public, 1)

    result = chain.run((BOB, stake("remove_stake", hotkey=HOTKEY, netuid=1, amount_unstaked=held // 2)))

    assert [name for _, name, _ in events_of(result, 1)].count("StakeRemoved") == 2
    assert positions.stake_of(chain.state, HOTKEY, BOB.public, 1) == 0
    check_state(chain.state)


def test_a_hotkey_gets_the_first_coldkey_that_asks_as_its_owner() -> None:
    chain = DevChain()
    hotkey = b"\x66" * 32

    chain.run(
        (ALICE, stake("try_associate_hotkey", hotkey=hotkey)), (BOB, stake("try_associate_hotkey", hotkey=hotkey))
    )

    assert positions.owner_of(chain.state, hotkey) == ALICE.public
    assert hotkey in chain.state.get("SubtensorModule.OwnedHotkeys", ALICE.public)
