from typing import Any

import pytest

from chain.errors import InvalidBlock
from chain.runtime.declarations import module_error
from chain.runtime.errors import EXHAUSTS, Inadmissible
from chain.runtime.subtensor import mechanisms
from chain.runtime.transition import apply_block, build_block
from tests.support.dev_chain import ALICE, DevChain, batch, events_of, names_of, stake
from tests.support.weights import VALIDATORS, score, set_weights

MODULE = "SubtensorModule"
VALIDATOR = VALIDATORS[0]
SELF = [(1, 9)]


def error(name: str) -> Any:
    return module_error(MODULE, name)


def with_entries(chain: DevChain, **entries: Any) -> DevChain:
    """Change entries of subnet 1."""
    chain.state = chain.state.commit({(f"{MODULE}.{name}", (1,)): value for name, value in entries.items()})
    return chain


def of_alice(chain: DevChain, call: Any) -> Any:
    """Return the error of a call within a batch, which the pool lets pass whatever it is."""
    return chain.run((ALICE, batch(call, name="batch_all"))).receipts[1].error


def unequal(netuid: int) -> Any:
    return stake("set_weights", netuid=netuid, dests=[1, 1], weights=[2], version_key=0)


def test_of_several_reasons_the_first_is_told_and_the_order_is_the_reference_s() -> None:
    chain = with_entries(DevChain(), WeightsVersionKey=5, MinAllowedWeights=4, WeightsSetRateLimit=3)
    chain.state = chain.state.commit({(f"{MODULE}.StakeThreshold", ()): 1})
    many = [(uid, 1) for uid in (*range(9), 0)]
    bad = [(9, 1), (9, 1)]

    assert of_alice(chain, unequal(0)) == error("CanNotSetRootNetworkWeights")
    assert of_alice(chain, unequal(99)) == error("WeightVecNotEqualSize")
    assert of_alice(chain, set_weights(99, many)) == error("MechanismDoesNotExist")
    assert of_alice(chain, set_weights(1, many, mecid=1)) == error("MechanismDoesNotExist")
    assert of_alice(chain, set_weights(1, many)) == error("UidsLengthExceedUidsInSubNet")
    assert of_alice(chain, set_weights(1, bad)) == error("HotKeyNotRegisteredInSubNet")
    assert chain.run((ALICE, stake("burned_register", netuid=1, hotkey=ALICE.public))).receipts[1].success
    assert of_alice(chain, set_weights(1, bad)) == error("NotEnoughStakeToSetWeights")
    chain.state = chain.state.commit({(f"{MODULE}.StakeThreshold", ()): 0})
    assert of_alice(chain, set_weights(1, bad, version=4)) == error("IncorrectWeightVersionKey")
    with_entries(chain, LastUpdate=[chain.number] * 8)
    assert of_alice(chain, set_weights(1, bad, version=5)) == error("SettingWeightsTooFast")
    chain.skip(2)
    assert of_alice(chain, set_weights(1, bad, version=5)) == error("NeuronNoValidatorPermit")
    with_entries(chain, ValidatorPermit=[True] * 8)
    assert of_alice(chain, set_weights(1, bad, version=5)) == error("DuplicateUids")
    assert of_alice(chain, set_weights(1, [(1, 1), (8, 1)], version=6)) == error("UidVecContainInvalidOne")
    assert of_alice(chain, set_weights(1, [(1, 1), (2, 1)], version=6)) == error("WeightVecLengthIsLow")
    assert of_alice(chain, set_weights(1, [(uid, 1) for uid in range(4)], version=6)) is None


def test_weights_are_stored_in_their_order_with_the_largest_as_whole() -> None:
    chain = DevChain()

    result = score(chain, 1, [[(5, 10), (4, 40), (6, 0)]])

    assert chain.state.get(f"{MODULE}.Weights", 1, 1) == [(5, 16_384), (4, 65_535), (6, 0)]
    assert chain.state.get(f"{MODULE}.LastUpdate", 1) == [0, 1, 0, 0, 0, 0, 0]
    assert (MODULE, "WeightsSet", (1, 1)) in events_of(result, 1)
    assert result.receipts[1].fee_rao == 0
    assert chain.free(VALIDATOR.public) == 0


def test_a_lone_weight_on_oneself_needs_neither_permit_nor_company() -> None:
    chain = with_entries(DevChain(), ValidatorPermit=[False] * 7, MinAllowedWeights=3)

    assert score(chain, 1, [SELF]).receipts[1].success


def test_the_owner_needs_neither_permit_nor_stake() -> None:
    chain = with_entries(DevChain(), ValidatorPermit=[False] * 7, SubnetOwnerHotkey=VALIDATOR.public)
    chain.state = chain.state.commit({(f"{MODULE}.StakeThreshold", ()): 2**63})

    assert score(chain, 1, [[(4, 1), (5, 1)]]).receipts[1].success


def test_weights_are_refused_openly_where_they_have_to_be_committed() -> None:
    chain = DevChain()

    assert chain.run((VALIDATOR, set_weights(6, SELF))).receipts[1].error == error("CommitRevealEnabled")
    assert chain.run((VALIDATOR, set_weights(6, SELF, mecid=0))).receipts[1].error == error("CommitRevealEnabled")


def test_each_mechanism_has_weights_and_rate_limit_of_its_own() -> None:
    chain = DevChain()

    result = chain.run(
        (VALIDATOR, set_weights(5, [(4, 1)])),
        (VALIDATOR, set_weights(5, [(6, 1)], mecid=1)),
        (VALIDATOR, set_weights(5, [(5, 1)], mecid=1)),
    )

    assert [receipt.error for receipt in result.receipts[1:]] == [None, None, error("SettingWeightsTooFast")]
    index = mechanisms.index_of(5, 1)
    assert chain.state.get(f"{MODULE}.Weights", 5, 1) == [(4, 65_535)]
    assert chain.state.get(f"{MODULE}.Weights", index, 1) == [(6, 65_535)]
    assert chain.state.get(f"{MODULE}.LastUpdate", index)[1] == 1
    assert (MODULE, "WeightsSet", (index, 1)) in events_of(result, 2)


def test_in_a_batch_what_one_subnet_refuses_does_not_hinder_the_others() -> None:
    chain = DevChain()
    rows = [[(4, 1)], [(4, 1)], [(99, 1)]]

    result = chain.run((VALIDATOR, stake("batch_set_weights", netuids=[1, 6, 2], weights=rows, version_keys=[0] * 3)))

    told = events_of(result, 1)
    assert (MODULE, "WeightsSet", (1, 1)) in told
    assert (MODULE, "BatchWeightItemFailed", (6, error("CommitRevealEnabled"))) in told
    assert (MODULE, "BatchWeightItemFailed", (2, error("UidVecContainInvalidOne"))) in told
    assert (MODULE, "BatchCompletedWithErrors", None) in told
    assert chain.state.get(f"{MODULE}.Weights", 1, 1) == [(4, 65_535)]
    assert not chain.state.contains(f"{MODULE}.Weights", 2, 1)


def test_a_batch_without_refusals_says_so() -> None:
    chain = DevChain()
    call = stake("batch_set_weights", netuids=[1, 2], weights=[[(4, 1)], [(5, 1)]], version_keys=[0, 0])

    result = chain.run((VALIDATOR, call))

    assert (MODULE, "BatchWeightsCompleted", ([1, 2], VALIDATOR.public)) in events_of(result, 1)
    assert f"{MODULE}.BatchCompletedWithErrors" not in names_of(result, 1)


@pytest.mark.parametrize(
    "call",
    [
        stake("batch_set_weights", netuids=[1], weights=[], version_keys=[0]),
        stake("batch_commit_weights", netuids=[6], commit_hashes=[]),
        stake("batch_reveal_weights", netuid=6, uids_list=[[1]], values_list=[[1]], salts_list=[], version_keys=[0]),
    ],
)
def test_lists_of_unequal_lengths_are_refused(call: Any) -> None:
    assert of_alice(DevChain(), call) == error("InputLengthsUnequal")
    assert refused(DevChain(), VALIDATOR, call) == "Custom error: 18"


def refused(chain: DevChain, key: Any, call: Any) -> str | None:
    """Return why a call may not stand in the next block."""
    built = build_block(chain.state, chain.inputs(), [chain.sign(key, call)])
    if not built.left_out:
        return None
    refusal = built.left_out[0][1]
    assert isinstance(refusal, Inadmissible)
    return refusal.data


def test_only_a_neuron_with_enough_stake_sends_weights_for_nothing() -> None:
    chain = DevChain()
    sealed = stake("commit_timelocked_weights", netuid=6, commit=b"x" * 5_001, reveal_round=1, commit_reveal_version=4)

    assert refused(chain, VALIDATOR, set_weights(99)) == "Custom error: 3"
    assert refused(chain, VALIDATOR, set_weights(1, mecid=1)) == "Custom error: 3"
    assert refused(chain, ALICE, set_weights(1)) == "Custom error: 10"
    assert refused(chain, ALICE, stake("commit_weights", netuid=6, commit_hash=bytes(32))) == "Custom error: 10"
    empty = stake("batch_set_weights", netuids=[], weights=[], version_keys=[])
    assert refused(chain, VALIDATOR, empty) == "Custom error: 255"
    assert refused(chain, VALIDATOR, sealed) == "Custom error: 255"
    chain.state = chain.state.commit({(f"{MODULE}.StakeThreshold", ()): 2**63})
    assert refused(chain, VALIDATOR, set_weights(1)) == "Custom error: 1"


def test_what_the_pool_has_no_number_for_stands_in_the_block_by_name_and_costs_nothing() -> None:
    chain = DevChain()

    receipt = chain.run((VALIDATOR, set_weights(1, [(4, 1), (4, 1)]))).receipts[1]

    assert (receipt.error, receipt.fee_rao) == (error("DuplicateUids"), 0)


def test_after_a_failure_for_nothing_the_signer_s_free_calls_wait_for_the_next_block() -> None:
    chain = DevChain()
    wrong, right = set_weights(1, [(4, 1), (4, 1)]), set_weights(2)
    raws = [chain.sign(VALIDATOR, call, nonce=nonce) for nonce, call in enumerate((wrong, right))]
    other = chain.sign(VALIDATORS[1], right)

    built = build_block(chain.state, chain.inputs(), [*raws, other])

    assert [(place, refusal.data) for place, refusal in built.left_out] == [(1, EXHAUSTS)]
    assert built.inputs.extrinsics[1:] == (raws[0], other)
    with pytest.raises(InvalidBlock):
        apply_block(chain.state, chain.inputs(*raws))
    chain.apply(raws[0])
    assert chain.apply(raws[1]).receipts[1].success
