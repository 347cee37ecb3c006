from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.block import Block, ConsensusInfo, Header
from chain.consensus.messages import Commit
from chain.runtime.genesis import GenesisValidator, dev_genesis, genesis_state
from chain.runtime.genesis_accounts import named
from chain.runtime.parameters import PARAMS_KEY
from chain.runtime.state import DELETED, RAW, Changes, State, encode_changes
from chain.storage.history import HistoricState
from chain.storage.store import ChainStore
from chain.storage_keys import prefix

ALICE, POOR = named("//Alice"), named("//Poor")
HEIGHT = 3


def _changes(state: State, height: int) -> Changes:
    alice = state.get("System.Account", ALICE)
    return {
        ("System.Account", (ALICE,)): {**alice, "nonce": height},
        ("System.Account", (POOR,)): alice if height % 2 else DELETED,
        ("SubtensorModule.Burn", (height,)): height,
        ("SubtensorModule.SubnetTAO", (3,)): DELETED if height == 2 else height,
        (RAW, (b":bft:test",)): b"%d" % height,
    }


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[tuple[ChainStore, list[State]]]:
    """Three blocks on a development genesis, on disk, and the live state after each."""
    validator = GenesisValidator(public=b"v" * 32, power=1, reward_account=ALICE)
    genesis = dev_genesis(validators=[validator], time_ms=1_700_000_000_000)
    states = [genesis_state(genesis)]
    store = ChainStore(tmp_path)
    block = Block(header=Header.genesis(bytes(32)), extrinsics=())
    store.initialize(genesis=block, pairs=genesis.pairs, events=b"\x00", meta={})
    for height in range(1, HEIGHT + 1):
        changes = _changes(states[-1], height)
        block = _next(block)
        commit = Commit(height=height, round=0, block_hash=block.hash, signatures=())
        store.append(block=block, commit=commit, events=b"\x00", delta=encode_changes(changes))
        states.append(states[-1].commit(changes))
    yield store, states
    store.close()


def _next(parent: Block) -> Block:
    zero = bytes(32)
    info = ConsensusInfo(
        time_ms=parent.number + 1,
        round=0,
        proposer=zero,
        last_commit_hash=zero,
        event_root=zero,
        evidence_root=zero,
        validators_hash=zero,
        next_validators_hash=zero,
        params_hash=zero,
    )
    header = Header.build(
        parent=parent.hash, number=parent.number + 1, state_root=zero, extrinsics_root=zero, slot=0, info=info
    )
    commit = Commit(height=parent.number, round=0, block_hash=parent.hash, signatures=()) if parent.number else None
    return Block(header=header, extrinsics=(), last_commit=commit)


@pytest.mark.parametrize("height", range(HEIGHT + 1))
def test_the_state_on_disk_answers_at_each_height_as_the_live_one_did(
    chain: tuple[ChainStore, list[State]], height: int
) -> None:
    store, states = chain
    historic, live = HistoricState(store, height), states[height]

    assert dict(historic.pairs()) == dict(live.pairs())
    for item, keys in (("System.Account", (ALICE,)), ("System.Account", (POOR,)), ("SubtensorModule.SubnetTAO", (3,))):
        assert historic.get(item, *keys) == live.get(item, *keys)
        assert historic.contains(item, *keys) == live.contains(item, *keys)
    assert historic.get(RAW, PARAMS_KEY) == live.get(RAW, PARAMS_KEY)
    for item in ("System.Account", "SubtensorModule.Burn", RAW):
        assert list(historic.iter_prefix(item)) == list(live.iter_prefix(item))
    assert historic.entries("SubtensorModule.Keys", (1,)) == live.entries("SubtensorModule.Keys", (1,))
    accounts = prefix("System", "Account")
    assert historic.keys_with_prefix(accounts) == live.keys_with_prefix(accounts)
    assert all(historic.read(key) == live.read(key) for key in live.keys_with_prefix(accounts))


def test_the_past_gets_no_other_successor(chain: tuple[ChainStore, list[State]]) -> None:
    with pytest.raises(RuntimeError, match="is history"):
        HistoricState(chain[0], 1).commit({})
