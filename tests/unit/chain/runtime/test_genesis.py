from typing import Any

import pytest

from chain.consensus.validators import ValidatorSet
from chain.keys import subnet_account
from chain.runtime.admission import parameters_of
from chain.runtime.genesis import DEV_FUNDS, GenesisValidator, dev_genesis, genesis_state, main_genesis
from chain.runtime.genesis_accounts import named
from chain.runtime.invariants import check_state
from chain.runtime.parameters import PARAMS_KEY, REWARD_PREFIX, VALIDATORS_KEY, Parameters
from chain.runtime.state import RAW
from chain.runtime.subtensor import pools, subnets
from chain.runtime.transition import BlockInputs, apply_block
from tests.support.dev_chain import TAO, DevChain, timestamp

VALIDATORS = [
    GenesisValidator(public=b"\x02" * 32, power=1, reward_account=b"\x12" * 32),
    GenesisValidator(public=b"\x01" * 32, power=3, reward_account=b"\x11" * 32),
]


def test_a_genesis_is_its_pairs_and_nothing_else() -> None:
    config = dev_genesis(validators=VALIDATORS[:1], time_ms=5, block_interval_ms=250)
    again = dev_genesis(validators=VALIDATORS[:1], time_ms=5, block_interval_ms=250)

    assert config == again
    assert list(genesis_state(config).pairs()) == list(config.pairs)
    assert parameters_of(genesis_state(config)).block_interval_ms == 250


def test_the_development_chain_has_funds_pools_and_balanced_books() -> None:
    state = genesis_state(dev_genesis(validators=VALIDATORS[:1], time_ms=5))

    check_state(state)
    assert subnets.netuids(state) == [0, 1, 2, 3, 4, 5, 6]
    assert state.get("SubtensorModule.SubnetTAO", 3) == 50 * TAO
    assert {pools.pool_of(state, netuid).weight for netuid in range(1, 7)} != {10**18 // 2}
    for uri, amount in DEV_FUNDS.items():
        assert state.get("System.Account", named(uri))["data"]["free"] == amount
    for netuid in subnets.netuids(state):
        free = state.get("System.Account", subnet_account(netuid))["data"]["free"]
        assert free > state.get("SubtensorModule.SubnetTAO", netuid)


def test_validators_and_their_reward_accounts_stand_in_the_state() -> None:
    state = genesis_state(main_genesis(validators=VALIDATORS, time_ms=5))

    assert ValidatorSet.decode(state.get(RAW, VALIDATORS_KEY)).members == ((b"\x01" * 32, 3), (b"\x02" * 32, 1))
    assert state.get(RAW, REWARD_PREFIX + b"\x01" * 32) == b"\x11" * 32
    assert state.get("Sudo.Key") is None


def test_the_main_preset_makes_blocks_without_any_subnet() -> None:
    state = genesis_state(main_genesis(validators=VALIDATORS, time_ms=5))
    issuance = state.get("Balances.TotalIssuance")

    for number in (1, 2):
        inputs = BlockInputs(
            number=number,
            parent_hash=bytes(32),
            genesis_hash=bytes(32),
            time_ms=5 + number,
            proposer=b"\x01" * 32,
            extrinsics=(timestamp(5 + number),),
        )
        state = state.commit(apply_block(state, inputs).changes)

    check_state(state)
    assert state.get("Balances.TotalIssuance") == issuance


def test_parameters_are_read_back_and_of_one_length() -> None:
    parameters = Parameters(dev=1, block_interval_ms=2_000, epoch_blocks=10, max_validators=1)

    assert Parameters.decode(parameters.encode()) == parameters
    state = genesis_state(main_genesis(validators=VALIDATORS, time_ms=5))
    assert Parameters.decode(state.get(RAW, PARAMS_KEY)).block_interval_ms == 12_000
    with pytest.raises(ValueError, match="expected"):
        Parameters.decode(b"123")


def test_the_development_subnets_show_every_kind_of_epoch() -> None:
    state = DevChain().state

    def read(item: str) -> list[Any]:
        return [state.get(f"SubtensorModule.{item}", netuid) for netuid in range(1, 7)]

    assert read("CommitRevealWeightsEnabled") == [False] * 5 + [True]
    assert read("Yuma3On") == [True, False, True, True, True, True]
    assert read("LiquidAlphaOn") == [False, False, False, True, False, False]
    assert read("MechanismCountCurrent") == [1, 1, 1, 1, 2, 1]
    assert read("ValidatorPermit") == [[False, True, True, True, False, False, False]] * 6
    assert read("Tempo") == [20] * 6
    assert read("WeightsSetRateLimit") == [10] * 6
