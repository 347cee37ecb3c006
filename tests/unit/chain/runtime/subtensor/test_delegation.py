from typing import Any

import pytest

from chain.runtime.declarations import module_error
from chain.runtime.fixed_point import U64_MAX, ratio_u64_q32
from chain.runtime.invariants import check_state
from chain.runtime.subtensor import auto_stake, children, emission, epochs, positions, takes
from chain.runtime.subtensor.family_split import Backing, Stake, kept_q32, lent_q32, split_dividend
from tests.support.dev_chain import ALICE, BOB, CHARLIE, HOTKEY, OTHER_HOTKEY, TAO, DevChain, events_of, stake
from tests.support.weights import score

MODULE = "SubtensorModule"
OWN = b"\x51" * 32
WEIGHT = ratio_u64_q32(emission.TAO_WEIGHT)


def error(name: str) -> Any:
    return module_error(MODULE, name)


def take(name: str, value: int, hotkey: bytes = OWN) -> Any:
    return stake(name, hotkey=hotkey, take=value)


def with_hotkey(take_now: int | None = None) -> DevChain:
    chain = DevChain()
    chain.run((ALICE, stake("try_associate_hotkey", hotkey=OWN)))
    if take_now is not None:
        chain.state = chain.state.commit({(f"{MODULE}.Delegates", (OWN,)): take_now})
    return chain


def with_entries(chain: DevChain, changes: dict[tuple[str, tuple[Any, ...]], Any]) -> DevChain:
    chain.state = chain.state.commit(changes)
    return chain


def test_a_take_falls_at_once_and_rises_only_after_its_interval() -> None:
    chain = with_hotkey(5_000)

    down = chain.run((ALICE, take("decrease_take", 1_000)))
    changed = chain.number
    assert (MODULE, "TakeDecreased", (ALICE.public, OWN, 1_000)) in events_of(down, 1)
    assert takes.is_raised_too_early(chain.state, OWN, changed + takes.TAKE_INTERVAL)
    assert not takes.is_raised_too_early(chain.state, OWN, changed + takes.TAKE_INTERVAL + 1)


def test_a_take_can_rise_to_the_maximum() -> None:
    chain = with_hotkey(5_000)

    result = chain.run((ALICE, take("increase_take", 11_796)))

    assert (MODULE, "TakeIncreased", (ALICE.public, OWN, 11_796)) in events_of(result, 1)
    assert chain.state.get(f"{MODULE}.Delegates", OWN) == 11_796
    assert result.receipts[1].fee_rao == 0


@pytest.mark.parametrize(
    ("value", "netuid", "name"),
    [(11_797, 1, "InvalidChildkeyTake"), (5, 99, "SubnetNotExists"), (5, 1, None)],
)
def test_a_child_takes_at_most_eighteen_percent(value: int, netuid: int, name: str | None) -> None:
    chain = with_hotkey()

    result = chain.run((ALICE, stake("set_childkey_take", hotkey=OWN, netuid=netuid, take=value)))

    assert result.receipts[1].error == (None if name is None else error(name))


def test_a_childs_take_rises_only_after_its_interval() -> None:
    chain = with_hotkey()
    calls = [stake("set_childkey_take", hotkey=OWN, netuid=1, take=value) for value in (5, 4, 6)]

    result = chain.run(*((ALICE, call) for call in calls))

    assert [receipt.error for receipt in result.receipts[1:]] == [
        None,
        None,
        error("TxChildkeyTakeRateLimitExceeded"),
    ]


@pytest.mark.parametrize(
    ("named", "netuid", "name"),
    [
        ([(1, b"\x52" * 32)], 0, "RegistrationNotPermittedOnRootSubnet"),
        ([(1, b"\x52" * 32)], 99, "SubnetNotExists"),
        ([(1, bytes((n,)) * 32) for n in range(6)], 1, "TooManyChildren"),
        ([(1, OWN)], 1, "InvalidChild"),
        ([(1, b"\x52" * 32), (2, b"\x52" * 32)], 1, "DuplicateChild"),
        ([(U64_MAX, b"\x52" * 32), (1, b"\x53" * 32)], 1, "ProportionOverflow"),
    ],
)
def test_children_that_cannot_be_are_refused_by_name(named: list[Any], netuid: int, name: str) -> None:
    chain = with_hotkey()

    result = chain.run((ALICE, stake("set_children", hotkey=OWN, netuid=netuid, children=named)))

    assert result.receipts[1].error == error(name)


def test_a_parent_cannot_become_a_child_of_its_child() -> None:
    chain = with_entries(with_hotkey(), {(f"{MODULE}.ParentKeys", (OWN, 1)): [(U64_MAX, HOTKEY)]})

    result = chain.run((ALICE, stake("set_children", hotkey=OWN, netuid=1, children=[(1, HOTKEY)])))

    assert result.receipts[1].error == error("ChildParentInconsistency")


def test_children_of_too_little_stake_and_too_soon_after_the_last_are_refused() -> None:
    chain = with_entries(with_hotkey(), {(f"{MODULE}.StakeThreshold", ()): TAO})
    named = stake("set_children", hotkey=OWN, netuid=1, children=[(1, HOTKEY)])
    nobody = stake("set_children", hotkey=OWN, netuid=1, children=[])

    result = chain.run((ALICE, named), (ALICE, nobody), (ALICE, nobody))

    assert [receipt.error for receipt in result.receipts[1:]] == [
        error("NotEnoughStakeToSetChildkeys"),
        None,
        error("TxRateLimitExceeded"),
    ]


def test_children_wait_for_their_time_and_then_for_an_epoch() -> None:
    chain = DevChain()
    child = [(2**63, OTHER_HOTKEY)]
    chain.run((CHARLIE, transfer_free()))
    chain.run((CHARLIE, stake("set_children", hotkey=HOTKEY, netuid=1, children=child)))
    waiting = chain.state.get(f"{MODULE}.PendingChildKeys", 1, HOTKEY)
    assert waiting == (child, chain.number + children.COOLDOWN)
    with_entries(chain, {(f"{MODULE}.PendingChildKeys", (1, HOTKEY)): (child, 10)})

    chain.skip(15)
    before = chain.state.get(f"{MODULE}.ChildKeys", HOTKEY, 1)
    chain.skip(4)

    assert before == []
    assert chain.state.get(f"{MODULE}.ChildKeys", HOTKEY, 1) == child
    assert chain.state.get(f"{MODULE}.ParentKeys", OTHER_HOTKEY, 1) == [(2**63, HOTKEY)]
    assert not chain.state.contains(f"{MODULE}.PendingChildKeys", 1, HOTKEY)


def transfer_free() -> Any:
    return stake("try_associate_hotkey", hotkey=b"\x59" * 32)


def test_dividends_follow_lent_stake_to_the_parent_less_the_childs_take() -> None:
    parent = Backing(hotkey=HOTKEY, stake=Stake(alpha=3 * TAO, root=0), proportion=U64_MAX, is_same_owner=False)

    own, parents = split_dividend(4 * TAO, own_q32=TAO << 32, backings=[parent], take=6_553, tao_weight_q32=WEIGHT)

    assert own + parents[0][1] in {4 * TAO, 4 * TAO - 1}
    assert abs(parents[0][1] - 3 * TAO * (65_535 - 6_553) // 65_535) <= 4


def test_one_owners_parent_gets_its_part_whole() -> None:
    parent = Backing(hotkey=HOTKEY, stake=Stake(alpha=TAO, root=0), proportion=U64_MAX, is_same_owner=True)

    own, parents = split_dividend(2 * TAO, own_q32=TAO << 32, backings=[parent], take=11_796, tao_weight_q32=WEIGHT)

    assert (own, parents) == (TAO, [(HOTKEY, TAO)])


def test_stake_weighs_in_one_place_only() -> None:
    held = Stake(alpha=1_000 * TAO, root=500 * TAO)
    half = 2**63

    kept, lent = kept_q32(held, [half], WEIGHT), lent_q32(held, half, WEIGHT)

    whole = kept_q32(held, [], WEIGHT)
    assert 0 <= whole - kept - lent <= 10**6 << 32


def test_a_parent_earns_with_its_childs_slot() -> None:
    chain = with_hotkey()
    chain.run((ALICE, stake("add_stake", hotkey=OWN, netuid=1, amount_staked=1_000 * TAO)))
    links = {
        (f"{MODULE}.ChildKeys", (OWN, 1)): [(U64_MAX, OTHER_HOTKEY)],
        (f"{MODULE}.ParentKeys", (OTHER_HOTKEY, 1)): [(U64_MAX, OWN)],
    }
    with_entries(chain, links)
    before = positions.stake_of(chain.state, OWN, ALICE.public, 1)

    chain.skip(20)

    assert positions.stake_of(chain.state, OWN, ALICE.public, 1) > before
    assert chain.state.get(f"{MODULE}.AlphaDividendsPerSubnet", 1, OWN) > 0
    check_state(chain.state)


def test_an_incentive_goes_where_its_coldkey_wants_it() -> None:
    chain = DevChain()
    miner = chain.state.get(f"{MODULE}.Keys", 1, 4)
    owner = positions.owner_of(chain.state, miner)
    with_entries(chain, {(f"{MODULE}.AutoStakeDestination", (owner, 1)): HOTKEY})
    score(chain, 1)

    chain.skip(19)

    assert positions.stake_of(chain.state, HOTKEY, owner, 1) > 0
    assert positions.stake_of(chain.state, miner, owner, 1) == 0
    assert epochs.PENDING_SERVER.startswith(MODULE)


def test_the_hotkey_for_incentives_is_one_of_the_subnet_and_a_new_one() -> None:
    chain = DevChain()

    def choose(hotkey: bytes, netuid: int = 1) -> Any:
        return stake("set_coldkey_auto_stake_hotkey", netuid=netuid, hotkey=hotkey)

    result = chain.run(*((BOB, call) for call in (choose(HOTKEY), choose(HOTKEY), choose(OWN), choose(HOTKEY, 99))))

    told = {"coldkey": BOB.public, "netuid": 1, "hotkey": HOTKEY}
    assert (MODULE, "AutoStakeDestinationSet", told) in events_of(result, 1)
    assert [receipt.error for receipt in result.receipts[2:]] == [
        error("SameAutoStakeHotkeyAlreadySet"),
        error("HotKeyNotRegisteredInSubNet"),
        error("SubnetNotExists"),
    ]
    assert chain.state.get("Chain.AutoStakers", HOTKEY, 1) == [BOB.public]
    assert auto_stake.CALLS
