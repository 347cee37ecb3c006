from typing import Any

import pytest

from chain.extrinsic import call_value
from chain.keys import subnet_account
from chain.runtime.balances import EXISTENTIAL_DEPOSIT
from chain.runtime.declarations import module_error
from chain.runtime.genesis_accounts import named
from chain.runtime.invariants import check_state
from chain.runtime.state import Overlay
from chain.runtime.subtensor import dissolve, networks, pools, positions, prices, subnets
from chain.runtime.subtensor.payout import share_pot
from tests.support.dev_chain import ALICE, AUTHOR, BOB, HOTKEY, TAO, DevChain, events_of, stake

OWNED = b"\x51" * 32
MODULE = "SubtensorModule"
LOCK = 1_000 * TAO


def error(name: str) -> Any:
    return module_error(MODULE, name)


def as_root(call: Any) -> Any:
    return call_value("Sudo", "sudo", call=call)


def with_entries(chain: DevChain, changes: dict[tuple[str, tuple[Any, ...]], Any]) -> DevChain:
    chain.state = chain.state.commit(changes)
    return chain


def registered() -> DevChain:
    chain = DevChain()
    assert chain.run((ALICE, stake("register_network", hotkey=OWNED))).receipts[1].success
    return chain


def test_a_new_subnet_has_a_pool_at_the_median_price_from_its_lock() -> None:
    chain = DevChain()
    twin = DevChain(state=chain.state)
    twin.apply()
    median = prices.median_price([pools.price_q64(twin.state, netuid) for netuid in range(1, 7)])
    chain = DevChain()

    result = chain.run((ALICE, stake("register_network", hotkey=OWNED)))

    pool = pools.pool_of(chain.state, 7)
    assert (MODULE, "NetworkAdded", (7, 1)) in events_of(result, 1)
    assert (pool.tao, pool.alpha) == (LOCK, (LOCK << 64) * (1 << 64) // median >> 64)
    assert pool.weight == 10**18 // 2
    assert chain.free(subnet_account(7)) == LOCK
    assert chain.state.get(f"{MODULE}.SubnetOwner", 7) == ALICE.public
    assert chain.state.get(f"{MODULE}.Keys", 7, 0) == OWNED
    assert chain.state.get(f"{MODULE}.TokenSymbol", 7).decode() == "\N{GREEK SMALL LETTER ETA}"
    assert subnets.netuids(chain.state) == [0, 1, 2, 3, 4, 5, 6, 7]
    check_state(chain.state)


def test_nothing_can_be_staked_before_the_owner_starts_the_subnet() -> None:
    chain = registered()
    add = stake("add_stake", hotkey=OWNED, netuid=7, amount_staked=TAO)

    early = chain.run((BOB, add))
    chain.run((ALICE, stake("start_call", netuid=7)))
    late = chain.run((BOB, add))

    assert early.receipts[1].error == error("SubtokenDisabled")
    assert late.receipts[1].success
    assert chain.state.get(f"{MODULE}.FirstEmissionBlockNumber", 7) == chain.number


def test_only_the_owner_starts_a_subnet_and_only_once() -> None:
    chain = registered()
    start = stake("start_call", netuid=7)

    strangers = chain.run((BOB, start))
    owners = chain.run((ALICE, start), (ALICE, start), (ALICE, stake("start_call", netuid=70)))

    assert strangers.receipts[1].error == "BadOrigin"
    assert [receipt.error for receipt in owners.receipts[1:]] == [
        None,
        error("FirstEmissionBlockNumberAlreadySet"),
        error("SubnetNotExists"),
    ]


def test_a_start_may_have_to_wait() -> None:
    chain = with_entries(registered(), {(f"{MODULE}.StartCallDelay", ()): 5})

    assert chain.run((ALICE, stake("start_call", netuid=7))).receipts[1].error == error(
        "NeedWaitingMoreBlocksToStarCall"
    )


def test_a_new_subnet_emits_alpha_but_gets_no_tao() -> None:
    chain = registered()
    chain.run((ALICE, stake("start_call", netuid=7)))
    tao, out = chain.state.get(f"{MODULE}.SubnetTAO", 7), chain.state.get(f"{MODULE}.SubnetAlphaOut", 7)

    chain.skip(3)

    assert chain.state.get(f"{MODULE}.SubnetTAO", 7) == tao
    assert chain.state.get(f"{MODULE}.SubnetAlphaOut", 7) > out
    check_state(chain.state)


def test_the_next_subnet_costs_twice_and_melts() -> None:
    chain = registered()
    overlay = Overlay(chain.state)

    now = networks.current_lock_cost(overlay, chain.number)
    later = networks.current_lock_cost(overlay, chain.number + prices.LOCK_INTERVAL // 2)
    much_later = networks.current_lock_cost(overlay, chain.number + 10 * prices.LOCK_INTERVAL)

    assert now == 2 * LOCK
    assert abs(later - LOCK * 3 // 2) < 10**6
    assert much_later == LOCK


def test_the_melting_keeps_pace_with_the_emission() -> None:
    assert prices.lock_interval(block_emission=10**9) == 100_800
    assert prices.lock_interval(block_emission=10**9 // 2) == 50_400


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({("Chain.NetworkRateLimit", ()): 100, ("Chain.LastLockBlock", ()): 1}, "NetworkTxRateLimitExceeded"),
        ({(f"{MODULE}.SubnetLimit", ()): 6}, "SubnetLimitReached"),
        ({("Chain.LockMin", ()): 2**60}, "CannotAffordLockCost"),
        ({(f"{MODULE}.Owner", (OWNED,)): BOB.public}, "NonAssociatedColdKey"),
    ],
)
def test_a_subnet_that_cannot_be_is_refused_by_name(changes: dict[Any, Any], name: str) -> None:
    chain = with_entries(DevChain(), changes)
    chain.skip(1)

    assert chain.run((ALICE, stake("register_network", hotkey=OWNED))).receipts[1].error == error(name)


def test_at_the_limit_the_cheapest_subnet_makes_room() -> None:
    chain = with_entries(DevChain(), {(f"{MODULE}.SubnetLimit", ()): 6, ("Chain.NetworkImmunity", ()): 1})
    chain.skip(2)
    cheapest = min(range(1, 7), key=lambda netuid: chain.state.get(f"{MODULE}.SubnetMovingPrice", netuid)["bits"])

    result = chain.run((ALICE, stake("register_network", hotkey=OWNED)))

    names = [(name, fields) for _, name, fields in events_of(result, 1)]
    assert ("NetworkRemoved", cheapest) in names
    assert ("NetworkAdded", (cheapest, 1)) in names
    assert chain.state.get(f"{MODULE}.SubnetOwner", cheapest) == ALICE.public
    assert positions.stake_of(chain.state, HOTKEY, ALICE.public, cheapest) == 0
    assert chain.state.get(f"{MODULE}.SubnetworkN", cheapest) == 1
    check_state(chain.state)
    chain.skip(21)
    check_state(chain.state)


def test_a_dissolved_subnet_pays_its_pot_to_the_last_rao() -> None:
    chain = DevChain()
    chain.skip(25)
    twin = DevChain(state=chain.state)
    inputs = twin.inputs()
    overlay = Overlay(chain.state)
    for (item, keys), value in twin.apply(*inputs.extrinsics[1:]).changes.items():
        overlay.put(item, *keys, value)
    # A version has one successor: build the same chain again.
    chain = DevChain()
    chain.skip(25)
    pot = overlay.get(f"{MODULE}.SubnetTAO", 5)
    protocol = overlay.get(f"{MODULE}.SubnetProtocolAlpha", 5) + overlay.get(f"{MODULE}.SubnetAlphaIn", 5)
    held = {
        (keys[0], keys[1]): positions.stake_of(overlay, keys[0], keys[1], 5)
        for keys in overlay.entries(f"{MODULE}.AlphaV2")
        if keys[2] == 5
    }
    issued = overlay.get("Balances.TotalIssuance")

    result = chain.run((ALICE, as_root(stake("dissolve_network", coldkey=named("//Owner"), netuid=5))))

    paid = [fields for _, name, fields in events_of(result, 1) if name == "Transfer"]
    fair = share_pot(pot, list(held.values()), protocol)
    assert sum(fields["amount"] for fields in paid) == sum(fair.paid) == pot - fair.protocol
    assert {fields["to"] for fields in paid} == {coldkey for _, coldkey in held}
    assert all(fields["from"] == subnet_account(5) for fields in paid)
    assert chain.free(subnet_account(5)) == EXISTENTIAL_DEPOSIT
    recycled = issued - chain.state.get("Balances.TotalIssuance")
    assert recycled == overlay.get("System.Account", subnet_account(5))["data"]["free"] - sum(fair.paid) - 500
    assert chain.free(AUTHOR) > 0
    assert not pools.exists(chain.state, 5)
    check_state(chain.state)


def test_nothing_of_a_dissolved_subnet_is_left_in_the_state() -> None:
    chain = DevChain()
    chain.skip(25)

    chain.run((ALICE, as_root(stake("dissolve_network", coldkey=named("//Owner"), netuid=4))))

    left = [
        (item, keys)
        for item, place in dissolve.BY_SUBNET.items()
        for keys, _ in chain.state.iter_prefix(item)
        if keys[place] == 4
    ]
    assert left == []
    assert all(4 not in rates for _, rates in chain.state.iter_prefix(f"{MODULE}.RootClaimable"))
    assert chain.state.get("Chain.RootUnclaimed", 4) == 0


@pytest.mark.parametrize(
    ("coldkey", "netuid", "name"),
    [(ALICE.public, 5, "NotSubnetOwner"), (bytes(32), 0, "SubnetNotExists"), (bytes(32), 99, "SubnetNotExists")],
)
def test_root_has_to_name_the_owner_of_a_subnet_that_is_there(coldkey: bytes, netuid: int, name: str) -> None:
    chain = DevChain()

    result = chain.run((ALICE, as_root(stake("dissolve_network", coldkey=coldkey, netuid=netuid))))

    assert (("Sudo", "Sudid", {"sudo_result": ("Err", error(name))})) in events_of(result, 1)


def test_an_owner_cannot_dissolve_what_others_hold() -> None:
    chain = registered()

    result = chain.run((ALICE, stake("dissolve_network", coldkey=ALICE.public, netuid=7)))

    assert result.receipts[1].error == "BadOrigin"


def test_of_two_equal_remainders_the_first_gets_the_rao_and_the_protocol_is_last() -> None:
    assert share_pot(1, [1, 1], 1).paid == [1, 0]
    assert share_pot(10, [0, 0], 0).paid == [0, 0]
    assert share_pot(2, [1, 1], 1).protocol == 0
