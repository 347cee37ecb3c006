import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from chain.block import Block, ConsensusInfo, Header
from chain.consensus.messages import Commit
from chain.errors import InvariantBroken
from chain.storage.database import FILE_NAME, StorageRefused
from chain.storage.store import PRUNE_EVERY, ChainStore

ZERO = bytes(32)
FIRST = {b"aa": b"1", b"ab": b"2", b"b": b"3", b"\xff\xff": b"4"}


def _header(parent: bytes, number: int) -> Header:
    info = ConsensusInfo(
        time_ms=number,
        round=0,
        proposer=ZERO,
        last_commit_hash=ZERO,
        event_root=ZERO,
        evidence_root=ZERO,
        validators_hash=ZERO,
        next_validators_hash=ZERO,
        params_hash=ZERO,
    )
    return Header.build(parent=parent, number=number, state_root=ZERO, extrinsics_root=ZERO, slot=number, info=info)


def _commit(height: int) -> Commit:
    return Commit(height=height, round=0, block_hash=bytes([height % 256]) * 32, signatures=((0, bytes(64)),))


def _open(folder: Path, state_history: int = 0) -> ChainStore:
    store = ChainStore(folder, state_history=state_history)
    if store.head_height() is None:
        genesis = Block(header=Header.genesis(ZERO), extrinsics=())
        store.initialize(genesis=genesis, pairs=FIRST.items(), events=b"\x00", meta={"preset": b"test"})
    return store


def _append(store: ChainStore, delta: Mapping[bytes, bytes | None]) -> Block:
    head = store.head_height()
    assert head is not None
    parent = store.hash_at(head)
    assert parent is not None
    commit = _commit(head) if head else None
    block = Block(header=_header(parent, head + 1), extrinsics=(b"\x04a",), last_commit=commit)
    store.append(block=block, commit=_commit(head + 1), events=b"events %d" % (head + 1), delta=delta)
    return block


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChainStore]:
    store = _open(tmp_path)
    yield store
    store.close()


def test_a_block_is_found_again_by_height_and_by_hash_with_its_commit_and_its_events(store: ChainStore) -> None:
    _append(store, {})
    block = _append(store, {})
    stored = store.block_at(2)

    assert stored is not None
    assert stored.block == block
    assert stored.commit == _commit(2)
    assert store.header_at(2) == block.header
    assert store.height_of(block.hash) == 2
    assert store.events_at(2) == b"events 2"
    assert store.meta("preset") == b"test"


def test_what_is_not_there_is_none(store: ChainStore) -> None:
    assert store.block_at(7) is None
    assert store.header_at(7) is None
    assert store.hash_at(7) is None
    assert store.height_of(ZERO) is None
    assert store.events_at(7) is None
    assert store.meta("absent") is None


def test_state_at_each_height_is_what_it_was_when_that_block_was_the_head(store: ChainStore) -> None:
    _append(store, {b"aa": b"changed", b"ac": b"new"})
    _append(store, {b"ab": None, b"aa": None})
    _append(store, {b"ab": b"again"})

    assert [store.read(b"aa", height) for height in range(4)] == [b"1", b"changed", None, None]
    assert [store.read(b"ab", height) for height in range(4)] == [b"2", b"2", None, b"again"]
    assert [store.read(b"ac", height) for height in range(4)] == [None, b"new", b"new", b"new"]
    assert store.keys(b"a", height=0, limit=10) == [b"aa", b"ab"]
    assert store.keys(b"a", height=1, limit=10) == [b"aa", b"ab", b"ac"]
    assert store.keys(b"a", height=2, limit=10) == [b"ac"]
    assert store.keys(b"a", height=3, limit=10) == [b"ab", b"ac"]
    assert dict(store.pairs()) == {b"ab": b"again", b"ac": b"new", b"b": b"3", b"\xff\xff": b"4"}


def test_an_empty_value_deletes(store: ChainStore) -> None:
    _append(store, {b"aa": b""})

    assert store.read(b"aa", 1) is None
    assert store.keys(b"aa", height=1, limit=1) == []


@pytest.mark.parametrize("height", [0, 1])
def test_pages_of_keys_continue_strictly_after_the_last_key_and_reach_the_end(store: ChainStore, height: int) -> None:
    _append(store, {b"aa": None, b"ad": b"5", b"ae": b"6"})
    expected = sorted([*FIRST] if height == 0 else [b"ab", b"ad", b"ae", b"b", b"\xff\xff"])
    found: list[bytes] = []
    after = b""

    for _ in range(10):
        page = store.keys(b"", height=height, after=after, limit=2)
        found += page
        if not page:
            break
        after = page[-1]

    assert found == expected
    assert store.keys(b"\xff", height=height, limit=5) == [b"\xff\xff"]
    assert store.keys(b"b", height=height, after=b"a", limit=5) == [b"b"]
    assert store.keys(b"b", height=height, after=b"b", limit=5) == []


def test_a_restart_continues_from_the_last_block(tmp_path: Path) -> None:
    store = _open(tmp_path)
    block = _append(store, {b"aa": b"9"})
    store.close()

    again = _open(tmp_path)

    assert again.head_height() == 1
    assert again.hash_at(1) == block.hash
    assert again.read(b"aa", 0) == b"1"
    assert again.read(b"aa", 1) == b"9"
    again.check_links(100)
    again.close()


def test_a_block_that_does_not_follow_the_head_is_refused_and_changes_nothing(store: ChainStore) -> None:
    block = Block(header=_header(b"x" * 32, 1), extrinsics=())

    with pytest.raises(InvariantBroken, match="does not follow"):
        store.append(block=block, commit=_commit(1), events=b"", delta={b"aa": b"9"})

    assert store.head_height() == 0
    assert store.read(b"aa", 0) == b"1"


def test_a_write_that_fails_half_way_leaves_the_state_before_the_block(store: ChainStore) -> None:
    parent = store.hash_at(0)
    assert parent is not None
    block = Block(header=_header(parent, 1), extrinsics=())
    not_bytes: dict[bytes, bytes | None] = {b"aa": b"9", b"ab": object()}  # type: ignore[dict-item]

    with pytest.raises((sqlite3.InterfaceError, sqlite3.ProgrammingError)):
        store.append(block=block, commit=_commit(1), events=b"", delta=not_bytes)

    assert store.head_height() == 0
    assert dict(store.pairs()) == FIRST
    _append(store, {b"aa": b"10"})
    assert store.read(b"aa", 1) == b"10"


def test_history_is_dropped_beyond_the_limit_and_never_sooner(tmp_path: Path) -> None:
    store = _open(tmp_path, state_history=10)
    for number in range(1, 2 * PRUNE_EVERY + 1):
        _append(store, {b"aa": b"%d" % number})
        oldest = store.oldest_state(number)
        assert store.read(b"aa", oldest) == (b"%d" % oldest if oldest else b"1")
    rows = store._reader.execute("SELECT count(*) FROM history").fetchone()[0]
    store.close()

    assert rows == 10


def test_a_second_node_is_refused_the_same_folder(store: ChainStore, tmp_path: Path) -> None:
    with pytest.raises(StorageRefused, match="data_dir_in_use"):
        ChainStore(tmp_path)


def test_a_file_of_an_unknown_schema_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version=99")
    connection.close()

    with pytest.raises(StorageRefused, match="schema_unknown"):
        ChainStore(tmp_path)


def test_a_stored_block_that_was_altered_is_noticed(store: ChainStore) -> None:
    _append(store, {})
    _append(store, {})
    store.check_links(100)
    store._writer.execute("UPDATE blocks SET body = (SELECT body FROM blocks WHERE height = 2) WHERE height = 1")

    with pytest.raises(InvariantBroken, match="does not fit"):
        store.check_links(100)
