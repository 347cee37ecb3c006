from typing import Any

import pytest

from chain.extrinsic import call_value
from chain.runtime.declarations import module_error
from chain.runtime.invariants import check_state
from chain.runtime.subtensor import mechanisms
from chain.runtime.subtensor.dissolve import BY_SUBNET
from tests.support.dev_chain import ALICE, CHARLIE, HOTKEY, TAO, DevChain, events_of, stake, transfer
from tests.support.weights import VALIDATORS, score, set_weights

MODULE = "SubtensorModule"
NETUID = 5
SECOND = mechanisms.index_of(NETUID, 1)
NEW = b"\x71" * 32


def as_root(chain: DevChain, name: str, **args: Any) -> Any:
    call = call_value("Sudo", "sudo", call=call_value("AdminUtils", name, **args))
    told = [fields["sudo_result"] for _, event, fields in events_of(chain.run((ALICE, call)), 1) if event == "Sudid"]
    return told[0]


def scored() -> DevChain:
    """Return a chain whose fifth subnet has weights, bonds and a sealed commit in both of its mechanisms."""
    chain = DevChain()
    score(chain, NETUID)
    chain.run(*((key, set_weights(NETUID, [(5, 1), (6, 1)], mecid=1)) for key in VALIDATORS))
    chain.skip(20)
    sealed = [(HOTKEY, 1, b"s", 2)]
    chain.state = chain.state.commit(
        {
            (f"{MODULE}.TimelockedWeightCommits", (SECOND, 1)): sealed,
            (f"{MODULE}.WeightCommits", (SECOND, HOTKEY)): [(bytes(32), 1, 1, 0)],
        }
    )
    return chain


def stored(chain: DevChain, index: int) -> dict[str, int]:
    names = ("Weights", "Bonds", "LastUpdate", "Incentive", "WeightCommits", "TimelockedWeightCommits")
    return {name: len(chain.state.entries(f"{MODULE}.{name}", (index,))) for name in names}


def test_a_mechanism_is_stored_4096_numbers_further() -> None:
    assert [mechanisms.index_of(7, mecid) for mecid in (0, 1, 15)] == [7, 4_103, 61_447]
    assert mechanisms.indices(DevChain().state, NETUID) == [5, SECOND]


def test_fewer_mechanisms_lose_their_state_and_any_change_ends_the_split() -> None:
    chain = scored()
    assert as_root(chain, "sudo_set_mechanism_emission_split", netuid=NETUID, maybe_split=[65_535]) == ("Ok", ())
    assert stored(chain, SECOND) == {
        "Weights": 3,
        "Bonds": 3,
        "LastUpdate": 1,
        "Incentive": 1,
        "WeightCommits": 1,
        "TimelockedWeightCommits": 1,
    }

    assert as_root(chain, "sudo_set_mechanism_count", netuid=NETUID, mechanism_count=1) == ("Ok", ())

    assert set(stored(chain, SECOND).values()) == {0}
    assert stored(chain, NETUID)["Weights"] == 3
    assert chain.state.get(f"{MODULE}.MechanismEmissionSplit", NETUID) is None
    chain.skip(20)
    check_state(chain.state)


@pytest.mark.parametrize("number", [0, 17, 255])
def test_a_subnet_has_one_to_sixteen_mechanisms(number: int) -> None:
    chain = DevChain()

    refusal = as_root(chain, "sudo_set_mechanism_count", netuid=1, mechanism_count=number)

    assert refusal == ("Err", module_error("AdminUtils", "InvalidValue"))
    assert as_root(chain, "sudo_set_mechanism_count", netuid=1, mechanism_count=16) == ("Ok", ())
    chain.skip(18)
    ran = chain.result.epochs if chain.result else ()
    assert [(record.netuid, record.mecid) for record in ran] == [*((1, mecid) for mecid in range(16)), (2, 0)]
    check_state(chain.state)


@pytest.mark.parametrize("split", [[], [65_534], [65_535, 1], [30_000, 30_000, 5_535]])
def test_a_split_adds_up_and_names_no_mechanism_that_is_not_there(split: list[int]) -> None:
    refusal = as_root(DevChain(), "sudo_set_mechanism_emission_split", netuid=NETUID, maybe_split=split)

    assert refusal == ("Err", module_error("AdminUtils", "InvalidValue"))


def test_a_split_is_set_and_taken_back() -> None:
    chain = DevChain()

    assert as_root(chain, "sudo_set_mechanism_emission_split", netuid=NETUID, maybe_split=[1, 65_534]) == ("Ok", ())
    assert mechanisms.emissions(chain.state, NETUID, 65_535_000) == [1_000, 65_534_000]
    assert as_root(chain, "sudo_set_mechanism_emission_split", netuid=NETUID, maybe_split=None) == ("Ok", ())
    assert mechanisms.emissions(chain.state, NETUID, 9) == [5, 4]


def test_whose_slot_is_taken_loses_weights_bonds_and_commits_in_every_mechanism() -> None:
    chain = scored()
    changes: dict[Any, Any] = {
        (f"{MODULE}.MaxAllowedUids", (NETUID,)): 7,
        (f"{MODULE}.ImmunityPeriod", (NETUID,)): 0,
        (f"{MODULE}.MinNonImmuneUids", (NETUID,)): 0,
        (f"{MODULE}.Emission", (NETUID,)): [9, 0, 9, 9, 9, 9, 9],
    }
    chain.state = chain.state.commit(changes)

    chain.run((ALICE, stake("burned_register", netuid=NETUID, hotkey=NEW)))

    assert chain.state.get(f"{MODULE}.Keys", NETUID, 1) == NEW
    for index in (NETUID, SECOND):
        assert not chain.state.contains(f"{MODULE}.Weights", index, 1)
        assert not chain.state.contains(f"{MODULE}.Bonds", index, 1)
        assert chain.state.get(f"{MODULE}.LastUpdate", index)[1] == chain.number
        assert chain.state.get(f"{MODULE}.Incentive", index)[1] == 0
    assert chain.state.get(f"{MODULE}.WeightCommits", SECOND, HOTKEY) is None
    assert chain.state.get(f"{MODULE}.ValidatorPermit", NETUID)[1] is False
    assert not chain.state.contains(f"{MODULE}.AlphaDividendsPerSubnet", NETUID, HOTKEY)


def test_weights_on_a_slot_that_is_taken_become_zero_and_bonds_on_it_stay() -> None:
    chain = scored()
    changes: dict[Any, Any] = {
        (f"{MODULE}.MaxAllowedUids", (NETUID,)): 7,
        (f"{MODULE}.ImmunityPeriod", (NETUID,)): 0,
        (f"{MODULE}.MinNonImmuneUids", (NETUID,)): 0,
        (f"{MODULE}.Emission", (NETUID,)): [9, 9, 9, 9, 9, 0, 9],
    }
    chain.state = chain.state.commit(changes)
    bonds = chain.state.get(f"{MODULE}.Bonds", SECOND, 2)

    chain.run((ALICE, stake("burned_register", netuid=NETUID, hotkey=NEW)))

    assert chain.state.get(f"{MODULE}.Weights", NETUID, 2) == [(4, 65_535), (5, 0), (6, 65_535)]
    assert chain.state.get(f"{MODULE}.Weights", SECOND, 2) == [(5, 0), (6, 65_535)]
    assert chain.state.get(f"{MODULE}.Bonds", SECOND, 2) == bonds
    chain.skip(25)
    # The mask of the next epoch has dropped them.
    assert all(uid != 5 for uid, _ in chain.state.get(f"{MODULE}.Bonds", SECOND, 2))
    check_state(chain.state)


def test_a_new_hotkey_takes_over_its_commits() -> None:
    chain = scored()
    chain.run((ALICE, transfer(CHARLIE.public, TAO)))

    result = chain.run((CHARLIE, stake("swap_hotkey", hotkey=HOTKEY, new_hotkey=NEW, netuid=None)))

    assert result.receipts[1].success
    assert chain.state.get(f"{MODULE}.WeightCommits", SECOND, HOTKEY) is None
    assert chain.state.get(f"{MODULE}.WeightCommits", SECOND, NEW) == [(bytes(32), 1, 1, 0)]
    assert chain.state.get(f"{MODULE}.TimelockedWeightCommits", SECOND, 1) == [(NEW, 1, b"s", 2)]
    assert chain.state.get(f"{MODULE}.Weights", SECOND, 1) == [(5, 65_535), (6, 65_535)]


def test_nothing_of_a_dissolved_subnet_is_left_in_any_mechanism() -> None:
    chain = scored()
    owner = chain.state.get(f"{MODULE}.SubnetOwner", NETUID)
    call = call_value("Sudo", "sudo", call=stake("dissolve_network", coldkey=owner, netuid=NETUID))

    chain.run((ALICE, call))

    for index in (NETUID, SECOND):
        assert set(stored(chain, index).values()) == {0}
    for name, place in BY_SUBNET.items():
        assert not [keys for keys in chain.state.entries(name) if keys[place] in {NETUID, SECOND}], name
    chain.skip(20)
    check_state(chain.state)


def test_fewer_slots_take_those_who_earn_least_and_move_the_others_up() -> None:
    chain = scored()
    changes: dict[Any, Any] = {
        (f"{MODULE}.MinAllowedUids", (NETUID,)): 1,
        (f"{MODULE}.ImmunityPeriod", (NETUID,)): 0,
        (f"{MODULE}.Emission", (NETUID,)): [0, 5, 0, 5, 5, 0, 5],
    }
    chain.state = chain.state.commit(changes)
    before = [chain.state.get(f"{MODULE}.Keys", NETUID, uid) for uid in range(7)]

    assert as_root(chain, "sudo_trim_to_max_allowed_uids", netuid=NETUID, max_n=5) == ("Ok", ())

    kept = [before[uid] for uid in (0, 1, 3, 4, 6)]
    assert [chain.state.get(f"{MODULE}.Keys", NETUID, uid) for uid in range(5)] == kept
    assert [chain.state.get(f"{MODULE}.Uids", NETUID, hotkey) for hotkey in kept] == [0, 1, 2, 3, 4]
    for uid in (2, 5):
        assert chain.state.get(f"{MODULE}.Uids", NETUID, before[uid]) is None
        assert not chain.state.get(f"{MODULE}.IsNetworkMember", before[uid], NETUID)
    assert chain.state.get(f"{MODULE}.SubnetworkN", NETUID) == 5
    assert chain.state.get(f"{MODULE}.MaxAllowedUids", NETUID) == 5
    # The old columns 4 and 6 are 3 and 4 now; column 5 is gone.
    assert chain.state.get(f"{MODULE}.Weights", NETUID, 2) == [(3, 65_535), (4, 65_535)]
    assert chain.state.get(f"{MODULE}.Weights", SECOND, 1) == [(4, 65_535)]
    assert not chain.state.contains(f"{MODULE}.Weights", NETUID, 3)
    assert chain.state.get(f"{MODULE}.LastUpdate", SECOND) == [0, 2, 2, 0, 0]
    assert [len(chain.state.get(f"{MODULE}.{name}", NETUID)) for name in ("Active", "Emission", "Incentive")] == [5] * 3
    chain.skip(20)
    check_state(chain.state)


def test_trimming_keeps_within_bounds_and_spares_the_immune() -> None:
    chain = scored()
    bounds = module_error(MODULE, "InvalidValue")

    assert as_root(chain, "sudo_trim_to_max_allowed_uids", netuid=NETUID, max_n=63) == ("Err", bounds)
    assert as_root(chain, "sudo_trim_to_max_allowed_uids", netuid=NETUID, max_n=257) == ("Err", bounds)
    assert as_root(chain, "sudo_trim_to_max_allowed_uids", netuid=NETUID, max_n=64) == ("Ok", ())
    assert chain.state.get(f"{MODULE}.SubnetworkN", NETUID) == 7
    chain.state = chain.state.commit({(f"{MODULE}.MinAllowedUids", (NETUID,)): 1})
    immune = module_error(MODULE, "TrimmingWouldExceedMaxImmunePercentage")
    assert as_root(chain, "sudo_trim_to_max_allowed_uids", netuid=NETUID, max_n=6) == ("Err", immune)
