from typing import Any

import pytest

from chain.keys import KeyPair
from chain.merkle import StateTree
from chain.runtime.invariants import check_state
from chain.runtime.state import State
from chain.runtime.subtensor import commits, distribution, epochs, mechanisms, positions, tempo
from chain.runtime.subtensor.distribution import Pending, Pots
from chain.runtime.yuma.epoch import run_epoch
from tests.support.dev_chain import HOTKEY, OTHER_HOTKEY, TAO, DevChain
from tests.support.weights import VALIDATORS, score, set_weights

MODULE = "SubtensorModule"
NETUID = 1
ROWS = ([(4, 9), (5, 1)], [(5, 1)], [(6, 1)])


def read(chain: DevChain, item: str, netuid: int = NETUID) -> Any:
    return chain.state.get(f"{MODULE}.{item}", netuid)


def with_entries(chain: DevChain, changes: dict[tuple[str, tuple[Any, ...]], Any]) -> DevChain:
    chain.state = chain.state.commit(changes)
    return chain


def events_named(chain: DevChain, name: str) -> list[Any]:
    found = []
    for record in chain.result.events if chain.result else ():
        _, inner = record["event"]
        if isinstance(inner, tuple) and inner[0] == name:
            found.append(inner[1])
    return found


def dividends(chain: DevChain, netuid: int = NETUID) -> list[int]:
    keys = [key.public for key in VALIDATORS]
    return [chain.state.get(f"{MODULE}.AlphaDividendsPerSubnet", netuid, key) for key in keys]


def test_validators_with_different_weights_get_different_dividends() -> None:
    chain = DevChain()
    equal = {(f"{MODULE}.TotalHotkeyAlpha", (key.public, NETUID)): 400_000 * TAO for key in VALIDATORS}
    with_entries(chain, equal)
    score(chain, NETUID, [[(4, 9), (5, 1)], [(4, 8), (5, 2)], [(6, 1)]])

    chain.skip(59)

    incentive, (first, second, third) = read(chain, "Incentive"), dividends(chain)
    assert incentive[4] > incentive[5] > 0 == incentive[6]
    # Whoever scored what nobody else did loses its bonds, and with them its dividends.
    assert first > 0 < second
    assert third < min(first, second) // 10
    trust = read(chain, "ValidatorTrust")
    assert trust[3] == 0 < trust[1]
    check_state(chain.state)


def test_without_weights_validators_share_by_active_stake() -> None:
    chain = DevChain()

    chain.skip(20)

    paid, stakes = dividends(chain), [positions.pool_value(DevChain().state, key.public, NETUID) for key in VALIDATORS]
    for amount, stake in zip(paid, stakes, strict=True):
        assert abs(amount * sum(stakes) - stake * sum(paid)) < sum(stakes) * sum(paid) // 50
    assert read(chain, "Incentive") == [0] * 7
    assert sum(paid) > 15 * TAO


def test_what_yuma_answers_stands_in_the_state() -> None:
    chain = DevChain()
    score(chain, NETUID, ROWS)
    chain.skip(19)
    assert chain.result is not None
    record = chain.result.epochs[0]

    output = run_epoch(record.inputs)

    assert (record.netuid, record.mecid, record.block) == (NETUID, 0, 20)
    assert read(chain, "Incentive") == output.incentive
    assert read(chain, "Dividends") == output.dividends
    assert read(chain, "ValidatorPermit") == output.permits
    assert read(chain, "StakeWeight") == output.stake_weight
    assert read(chain, "Emission") == output.emission
    assert [chain.state.get(f"{MODULE}.Bonds", NETUID, uid) for uid in range(7)] == output.bonds
    assert read(chain, "LastMechansimStepBlock") == 20
    assert 0 <= record.inputs.emission - sum(output.emission) < 200


def test_a_chain_of_two_hundred_blocks_conserves_and_is_the_same_twice() -> None:
    def lived() -> DevChain:
        chain = DevChain()
        for number in range(40):
            netuid = number % 5 + 1
            key = VALIDATORS[number % 3]
            row = [(4, 1 + number % 7), (5, 3), (6, 1 + number % 2)]
            chain.run((key, set_weights(netuid, row)))
            chain.skip(4)
            check_state(chain.state)
        return chain

    first, second = lived(), lived()

    assert first.number == 200
    assert StateTree(dict(first.state.pairs())).root == StateTree(dict(second.state.pairs())).root
    assert read(first, "SubnetEpochIndex") == 10


def test_at_most_two_epochs_run_in_a_block_and_the_others_wait() -> None:
    chain = DevChain()
    chain.skip(20)

    told = events_named(chain, "EpochDeferred")

    assert [fields["netuid"] for fields in told] == [3, 4, 5, 6]
    assert {(fields["from_block"], fields["to_block"]) for fields in told} == {(20, 21)}
    assert [read(chain, "PendingEpochAt", netuid) for netuid in range(1, 7)] == [0, 0, 21, 21, 21, 21]
    chain.skip(2)
    assert [read(chain, "LastEpochBlock", netuid) for netuid in range(1, 7)] == [20, 20, 21, 21, 22, 22]


def test_while_two_numbers_share_a_hotkey_the_slot_is_spent_and_everything_stays_pending() -> None:
    chain = with_entries(DevChain(), {(f"{MODULE}.Keys", (NETUID, 6)): HOTKEY})

    chain.skip(20)

    assert events_named(chain, "EpochSkipped") == [{"netuid": NETUID, "block": 20}]
    assert read(chain, "SubnetEpochIndex") == 1
    assert (read(chain, "LastEpochBlock"), read(chain, "BlocksSinceLastStep")) == (20, 20)
    assert chain.state.get(epochs.PENDING_SERVER, NETUID) > 8 * TAO
    assert read(chain, "LastMechansimStepBlock") == 0


def test_mechanisms_share_the_emission_and_keep_incentive_and_bonds_apart() -> None:
    chain = with_entries(DevChain(), {(f"{MODULE}.MechanismEmissionSplit", (5,)): [49_151, 16_384]})
    index = mechanisms.index_of(5, 1)
    score(chain, 5, [[(4, 1)]] * 3)
    chain.run(*((key, set_weights(5, [(6, 1)], mecid=1)) for key in VALIDATORS))
    chain.skip(20)

    first, second = read(chain, "Incentive", 5), read(chain, "Incentive", index)
    held = {uid: positions.pool_value(chain.state, read_key(chain, 5, uid), 5) for uid in (4, 5, 6)}

    assert (first[4], first[6], second[4], second[6]) == (65_535, 0, 0, 65_535)
    assert abs(held[4] - 3 * held[6]) < TAO // 1_000
    assert held[5] == 0
    assert chain.state.get(f"{MODULE}.Bonds", index, 1)[0][0] == 6
    check_state(chain.state)


def read_key(chain: DevChain, netuid: int, uid: int) -> bytes:
    hotkey: bytes = chain.state.get(f"{MODULE}.Keys", netuid, uid)
    return hotkey


def test_lent_stake_works_for_the_child() -> None:
    links = {
        (f"{MODULE}.ChildKeys", (HOTKEY, NETUID)): [(2**63, OTHER_HOTKEY)],
        (f"{MODULE}.ParentKeys", (OTHER_HOTKEY, NETUID)): [(2**63, HOTKEY)],
    }
    chain, twin = with_entries(DevChain(), links), DevChain()
    for each in (chain, twin):
        score(each, NETUID)
        each.skip(19)
    assert chain.result
    assert twin.result
    lent, plain = chain.result.epochs[0].inputs, twin.result.epochs[0].inputs

    half = plain.alpha_stake[1] // 2
    assert abs(lent.alpha_stake[1] - (plain.alpha_stake[1] - half)) <= 2**22
    assert abs(lent.alpha_stake[2] - (plain.alpha_stake[2] + half)) <= 2**22
    assert abs(lent.tao_stake[1] - plain.tao_stake[1] // 2) <= 2**18
    assert sum(lent.alpha_stake) <= sum(plain.alpha_stake)
    check_state(chain.state)


def test_who_registered_after_a_commit_is_masked_for_it() -> None:
    chain = with_entries(
        DevChain(), {(f"{MODULE}.Tempo", (6,)): 50, (f"{MODULE}.WeightCommits", (6, HOTKEY)): [(bytes(32), 0, 3, 0)]}
    )
    hotkeys = [read_key(chain, 6, uid) for uid in range(7)]

    blocks = commits.earliest_blocks(chain.state, 6, 6, hotkeys, 10)

    assert blocks == [2**64 - 1, 3, *[2**64 - 1] * 5]


@pytest.mark.parametrize(
    ("incentives", "pots"),
    [
        (0, Pots(validator=90, root=10)),
        (50, Pots(validator=40, root=10)),
        (53, Pots(validator=37, root=10)),
        (97, Pots(validator=0, root=3)),
        (100, Pots(validator=0, root=0)),
    ],
)
def test_never_more_is_shared_than_has_gathered(incentives: int, pots: Pots) -> None:
    pending = Pending(owner_cut=18, server=50, validator=40, root=10)

    assert distribution.pots_of(pending, incentives) == pots
    assert pots.validator + pots.root + incentives <= pending.shared_by_yuma


def test_an_epoch_asks_again_for_the_same_when_it_is_replayed() -> None:
    chain = DevChain()
    score(chain, NETUID)
    chain.skip(18)
    before = State.from_pairs(chain.state.pairs())
    chain.skip(1)

    twin = DevChain(state=before)
    twin.skip(1)

    assert chain.result
    assert twin.result
    assert twin.result.epochs == chain.result.epochs
    assert tempo.epoch_now(chain.state, NETUID, 21) == 1


def test_a_validator_that_sets_nothing_for_too_long_is_inactive() -> None:
    chain = with_entries(DevChain(), {(f"{MODULE}.ActivityCutoffFactorMilli", (NETUID,)): 1_000})
    score(chain, NETUID)
    chain.skip(20)
    assert read(chain, "Active")[1:4] == [True] * 3
    chain.run((KeyPair.from_uri("//Dave//hotkey"), set_weights(NETUID)))

    chain.skip(20)

    assert read(chain, "Active")[1:4] == [False, True, False]
    assert dividends(chain)[1] > 10 * dividends(chain)[0]
