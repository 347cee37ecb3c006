from typing import Any

import pytest

from chain.runtime.declarations import codec, runtime_call
from chain.runtime.genesis_accounts import named
from chain.runtime.state import State
from chain.runtime.subtensor import mechanisms
from chain.runtime.views import call_runtime
from tests.support.dev_chain import ALICE, HOTKEY, DevChain, stake
from tests.support.weights import EQUAL, VALIDATORS, score, set_weights

MODULE = "SubtensorModule"


def ask(chain: DevChain, name: str, *arguments: Any) -> Any:
    """Return a runtime call's answer, through its bytes."""
    declared = runtime_call(name)
    pairs = zip(declared.inputs, arguments, strict=True)
    data = b"".join(codec().encode(type_text, value) for (_, type_text), value in pairs)
    return codec().decode(declared.output, call_runtime(chain.state, name, data))


@pytest.fixture(scope="module")
def chain() -> DevChain:
    """A chain after an epoch in which all validators had set weights on subnets 1 and 5."""
    found = DevChain()
    score(found, 1)
    score(found, 5)
    found.run((VALIDATORS[0], set_weights(5, [(4, 1)], mecid=1)))
    found.skip(20)
    return found


def test_neurons_show_what_the_state_says_of_them(chain: DevChain) -> None:
    told = ask(chain, "NeuronInfoRuntimeApi_get_neurons", 1)

    assert [neuron["uid"] for neuron in told] == list(range(7))
    validator, miner = told[1], told[4]
    assert (validator["hotkey"], validator["coldkey"]) == (HOTKEY, named("//Charlie"))
    assert validator["stake"] == [(named("//Charlie"), chain.state.get(f"{MODULE}.TotalHotkeyAlpha", HOTKEY, 1))]
    assert validator["weights"] == [(uid, 65_535) for uid, _ in EQUAL]
    assert validator["bonds"]
    assert validator["validator_permit"]
    assert validator["dividends"] > 0
    assert validator["last_update"] == 1
    assert miner["incentive"] == 21_844
    assert not miner["validator_permit"]
    assert miner["weights"] == []
    assert {(neuron["rank"], neuron["trust"], neuron["pruning_score"]) for neuron in told} == {(0, 0, 65_535)}


def test_one_neuron_and_the_lite_shape_agree_with_the_list(chain: DevChain) -> None:
    told = ask(chain, "NeuronInfoRuntimeApi_get_neurons", 1)
    lite = ask(chain, "NeuronInfoRuntimeApi_get_neurons_lite", 1)

    for uid in range(7):
        assert ask(chain, "NeuronInfoRuntimeApi_get_neuron", 1, uid) == told[uid]
        assert ask(chain, "NeuronInfoRuntimeApi_get_neuron_lite", 1, uid) == lite[uid]
        assert {field: told[uid][field] for field in lite[uid]} == lite[uid]


def test_of_what_is_not_there_nothing_is_told(chain: DevChain) -> None:
    assert ask(chain, "NeuronInfoRuntimeApi_get_neurons", 99) == []
    assert ask(chain, "NeuronInfoRuntimeApi_get_neuron", 1, 7) is None
    assert ask(chain, "NeuronInfoRuntimeApi_get_neuron_lite", 99, 0) is None
    for name in ("metagraph", "subnet_info", "subnet_info_v2", "subnet_hyperparams", "subnet_hyperparams_v2"):
        assert ask(chain, f"SubnetInfoRuntimeApi_get_{name}", 99) is None
    assert ask(chain, "SubnetInfoRuntimeApi_get_subnet_hyperparams_v3", 99) is None
    assert ask(chain, "SubnetInfoRuntimeApi_get_subnet_state", 99) is None
    assert ask(chain, "SubnetInfoRuntimeApi_get_mechagraph", 1, 1) is None
    assert ask(chain, "SubnetInfoRuntimeApi_get_selective_mechagraph", 1, 1, [3]) is None
    assert ask(chain, "SubnetInfoRuntimeApi_get_subnet_to_prune") is None


def test_the_metagraph_has_all_neurons_in_order(chain: DevChain) -> None:
    told = ask(chain, "SubnetInfoRuntimeApi_get_metagraph", 1)

    assert told["hotkeys"][1] == HOTKEY
    assert told["num_uids"] == 7
    lists = [value for value in told.values() if isinstance(value, list) and len(value) == 7]
    assert len(lists) == 20
    assert told["incentives"] == chain.state.get(f"{MODULE}.Incentive", 1)
    assert told["alpha_dividends_per_hotkey"][1] == (
        HOTKEY,
        chain.state.get(f"{MODULE}.AlphaDividendsPerSubnet", 1, HOTKEY),
    )
    weight = (971_718_665_099_567_868 << 32) // (2**64 - 1)
    assert told["total_stake"][1] == told["alpha_stake"][1] + (told["tao_stake"][1] * weight >> 32)
    assert told["last_step"] == 20
    assert told["blocks_since_last_step"] == chain.number - 20
    assert told["activity_cutoff"] == 277


def test_a_mechanism_has_its_own_updates_and_incentives(chain: DevChain) -> None:
    first, second = (ask(chain, "SubnetInfoRuntimeApi_get_mechagraph", 5, mecid) for mecid in (0, 1))

    index = mechanisms.index_of(5, 1)
    assert (first["netuid"], second["netuid"]) == (5, index)
    assert second["incentives"] == chain.state.get(f"{MODULE}.Incentive", index) != first["incentives"]
    assert (first["last_update"][1], second["last_update"][1]) == (2, 3)


def test_all_metagraphs_are_those_of_each_subnet(chain: DevChain) -> None:
    told = ask(chain, "SubnetInfoRuntimeApi_get_all_metagraphs")

    assert [graph["netuid"] for graph in told] == [0, 1, 2, 3, 4, 5, 6]
    assert told[1] == ask(chain, "SubnetInfoRuntimeApi_get_metagraph", 1)


def test_a_selective_metagraph_tells_what_was_asked_and_its_number(chain: DevChain) -> None:
    whole = ask(chain, "SubnetInfoRuntimeApi_get_metagraph", 1)

    told = ask(chain, "SubnetInfoRuntimeApi_get_selective_metagraph", 1, [1, 3, 52, 61, 72, 73, 999])

    given = {field: value for field, value in told.items() if value is not None}
    assert set(given) == {"netuid", "name", "identity", "hotkeys", "dividends", "validators", "commitments"}
    assert given["identity"] == (whole["identity"],)
    assert (given["hotkeys"], given["dividends"]) == (whole["hotkeys"], whole["dividends"])
    assert given["validators"] == [uid for uid in range(7) if whole["validator_permit"][uid]]
    nobody = ask(chain, "SubnetInfoRuntimeApi_get_selective_metagraph", 0, [3])
    assert nobody["identity"] == (None,)
    every = ask(chain, "SubnetInfoRuntimeApi_get_selective_mechagraph", 1, 0, list(range(74)))
    assert {field: every[field] for field in whole if field != "identity"} == {
        field: value for field, value in whole.items() if field != "identity"
    }


def test_all_three_shapes_of_parameters_agree(chain: DevChain) -> None:
    first = ask(chain, "SubnetInfoRuntimeApi_get_subnet_hyperparams", 6)
    second = ask(chain, "SubnetInfoRuntimeApi_get_subnet_hyperparams_v2", 6)
    third = {
        entry["name"].decode(): entry["value"]
        for entry in ask(chain, "SubnetInfoRuntimeApi_get_subnet_hyperparams_v3", 6)
    }

    assert {field: second[field] for field in first} == first
    assert {field: third[field][1] for field in second} == second
    assert (first["tempo"], first["commit_reveal_weights_enabled"], first["weights_rate_limit"]) == (20, True, 10)
    assert (second["yuma_version"], second["alpha_sigmoid_steepness"]) == (3, {"bits": 1_000 << 32})
    assert third["min_burn"] == ("TaoBalance", 500_000)
    assert ask(chain, "SubnetInfoRuntimeApi_get_subnet_hyperparams_v2", 2)["yuma_version"] == 2


def test_a_subnet_is_described_shortly(chain: DevChain) -> None:
    told = ask(chain, "SubnetInfoRuntimeApi_get_subnets_info_v2")

    assert told[1] == ask(chain, "SubnetInfoRuntimeApi_get_subnet_info_v2", 1)
    assert (told[1]["subnetwork_n"], told[1]["identity"]["subnet_name"]) == (7, b"apex")
    assert [info["netuid"] for info in ask(chain, "SubnetInfoRuntimeApi_get_subnets_info")] == list(range(7))


def test_the_state_of_a_subnet_tells_what_its_neurons_got_everywhere(chain: DevChain) -> None:
    told = ask(chain, "SubnetInfoRuntimeApi_get_subnet_state", 1)

    assert told["emission_history"][1] == chain.state.get(f"{MODULE}.Emission", 1)
    assert len(told["emission_history"]) == 7
    assert told["emission_history"][0] == [0] * 7


def test_a_neuron_that_joined_after_the_epoch_is_told_of_too(chain: DevChain) -> None:
    late = DevChain(state=State.from_pairs(chain.state.pairs()))
    late.run((ALICE, stake("burned_register", netuid=1, hotkey=b"\x61" * 32)))

    told = ask(late, "SubnetInfoRuntimeApi_get_metagraph", 1)

    assert told["hotkeys"][7] == b"\x61" * 32
    assert (told["incentives"][7], told["last_update"][7], told["block_at_registration"][7]) == (0, 24, 24)
    assert [len(told[field]) for field in ("active", "validator_permit", "emission", "total_stake")] == [8] * 4
