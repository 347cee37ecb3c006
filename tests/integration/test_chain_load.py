"""The load scenarios of the chain at a small size: that they measure the real parts, and nothing else."""

from pathlib import Path

import pytest

from chain.keys import KeyPair
from chain.runtime.invariants import check_state
from chain.runtime.state import State
from chain.storage.store import ChainStore
from load_tests.baselines.insert_per_transfer import InsertPerTransfer, SignedTransfer
from load_tests.baselines.stored_state import StoredState
from load_tests.crowded_chain import HEIGHT, crowded_head, crowded_pairs
from load_tests.driver import Options, run_scenario
from load_tests.populous_chain import FUNDS_RAO, account, write_populous_chain
from load_tests.scenarios.block_step import Blocks


def test_a_short_run_of_blocks_gives_empty_ones_and_ones_with_epochs() -> None:
    result = run_scenario("block_step", Options(runs=1, scale=0.02))

    assert result.name == "block_step"
    assert result.ratio == result.value / result.baseline > 0
    assert result.details["epoch"]["p50_ms"] > result.details["empty"]["p50_ms"] > 0


def test_a_short_run_of_transfers_counts_every_one() -> None:
    result = run_scenario("chain_tps", Options(runs=1, scale=0.01))

    assert (result.name, result.unit) == ("chain_tps", "transfers/s")
    assert result.details["sizes"]["per_run"] == 96
    assert 0 < result.details["blocks"]["transfers_max"] <= 96


def test_the_memory_of_a_node_is_read_while_it_serves_blocks_and_history() -> None:
    result = run_scenario("chain_memory", Options(runs=1, scale=0.001))

    assert (result.name, result.unit) == ("chain_memory", "MB")
    assert result.details["sizes"]["accounts"] == 1_000
    (node,) = result.details["node"]
    assert node["peak_mb"] >= node["resident_mb"] > 50
    assert result.ratio == result.baseline / result.value
    assert result.is_goal_reached


def test_the_populous_chain_holds_what_it_promises(tmp_path: Path) -> None:
    write_populous_chain(tmp_path / "chain", accounts=300, stakes=90)
    store = ChainStore(tmp_path / "chain")
    state = State.from_pairs(store.pairs())
    store.close()

    check_state(state)
    assert state.get("System.Account", account(299))["data"]["free"] == FUNDS_RAO
    assert [len(state.get("SubtensorModule.StakingHotkeys", account(number))) for number in (0, 89, 90)] == [1, 1, 0]


def test_the_crowded_chain_holds_what_it_promises_and_runs_two_epochs_each_third_block() -> None:
    pairs = crowded_pairs(subnets=4, uids=16, stakes=40)
    state = State.from_pairs(pairs.items())
    chain = Blocks(crowded_head(pairs, state))

    check_state(state)
    assert len(state.entries("SubtensorModule.AlphaV2")) == 40
    assert [state.get("SubtensorModule.SubnetworkN", netuid) for netuid in (1, 4)] == [16, 16]
    chain.make(7)
    assert chain.head.height == HEIGHT + 7
    assert (len(chain.epoch_s), len(chain.empty_s)) == (2, 5)
    assert all(chain.head.state.get("SubtensorModule.SubnetEpochIndex", netuid) == 1 for netuid in (1, 2, 3, 4))
    check_state(chain.head.state)


def test_both_states_make_the_same_blocks_and_hold_the_same_entries() -> None:
    pairs = crowded_pairs(subnets=2, uids=8, stakes=8)
    ours = Blocks(crowded_head(pairs, State.from_pairs(pairs.items())))
    stored = Blocks(crowded_head(pairs, StoredState(pairs.items())))

    ours.make(4)
    stored.make(4)

    assert ours.hashes == stored.hashes
    for item in ("SubtensorModule.AlphaV2", "SubtensorModule.SubnetTAO", "System.Account"):
        assert ours.head.state.entries(item) == stored.head.state.entries(item)


def test_the_ledger_beside_the_chain_checks_signatures_and_books_both_sides(tmp_path: Path) -> None:
    key, message = KeyPair.from_uri("//Alice"), b"pay"
    ledger = InsertPerTransfer(tmp_path / "ledger.sqlite")
    good = SignedTransfer(key.public, b"\1" * 32, 7, message, key.sign(message))
    ledger.open_account(key.public, 10)
    ledger.open_account(b"\1" * 32, 0)

    assert ledger.measure([good]) > 0
    assert ledger.balance(key.public) == 3
    assert ledger.balance(b"\1" * 32) == 7
    with pytest.raises(ValueError, match="signature"):
        ledger.measure([SignedTransfer(key.public, b"\1" * 32, 7, b"more", good.signature)])
    ledger.close()
