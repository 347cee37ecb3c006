"""A snapshot gives the very engine that it was taken of, or is refused."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.engine.directory import Directory
from ledger.engine.machine import Engine
from ledger.log import snapshots
from ledger.log.base import Head
from ledger.log.snapshots import (
    Header,
    Loading,
    SnapshotBroken,
    Taking,
    decode_header,
    encode_header,
    pack_texts,
    unpack_texts,
)
from tests.support.builders import TAO, Exchange, buy, sell, trading_exchange, withdraw


def played() -> tuple[Exchange, int]:
    exchange, numbers = trading_exchange({"alice": (100 * TAO, 5 * TAO), "bob": (7 * TAO, 0)})
    buy(exchange, numbers["alice"], tao=2 * TAO)
    sell(exchange, numbers["alice"], alpha=TAO)
    return exchange, numbers["bob"]


def taken(engine: Engine) -> tuple[bytes, list[bytes]]:
    """Return header and packed parts."""
    taking = Taking(engine, Head(number=5, seq=engine.seq, hash=b"h" * 32, ts_ms=engine.ts_ms))
    parts = [piece.packed() for piece in taking.pieces()]
    return encode_header(taking.header()), parts


def loaded(header: bytes, parts: list[bytes]) -> Engine:
    loading = Loading(decode_header(header))
    for position, packed in enumerate(parts):
        loading.put(position, packed)
    return loading.engine()


def test_live_replay_and_snapshot_have_one_hash() -> None:
    exchange, _ = played()
    replayed = Engine()
    for ts_ms, events, payloads in exchange.log:
        replayed.evolve(ts_ms, events, payloads)

    restored = loaded(*taken(exchange.engine))

    assert restored.state_hash() == replayed.state_hash() == exchange.engine.state_hash()
    assert restored.seq == exchange.engine.seq
    assert restored.directory == exchange.engine.directory


def test_an_engine_from_a_snapshot_goes_on_as_the_live_one_does() -> None:
    exchange, bob = played()
    restored = loaded(*taken(exchange.engine))
    stored = len(exchange.log)

    buy(exchange, bob, tao=TAO)
    withdraw(exchange, bob, TAO)
    exchange.head([])

    for ts_ms, events, payloads in exchange.log[stored:]:
        restored.evolve(ts_ms, events, payloads)
    assert restored.state_hash() == exchange.engine.state_hash()


def test_a_snapshot_of_a_loaded_engine_is_the_same_snapshot() -> None:
    first = taken(played()[0].engine)

    assert taken(loaded(*first)) == first


def test_large_tables_are_cut_into_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, _ = played()
    whole = len(taken(exchange.engine)[1])
    monkeypatch.setattr(snapshots, "PART_BYTES", 200)

    header, parts = taken(exchange.engine)

    assert len(parts) > whole
    assert max(row.size for row in decode_header(header).parts) == 200
    assert loaded(header, parts).state_hash() == exchange.engine.state_hash()


HEADER, PARTS = taken(played()[0].engine)


def changed(**fields: object) -> bytes:
    """Return a header whose own digest is right, but which says something else."""
    return encode_header(msgspec.structs.replace(decode_header(HEADER), **fields))


@given(place=st.integers(0, len(HEADER) - 1), bit=st.integers(0, 7))
def test_a_changed_bit_of_the_header_is_refused(place: int, bit: int) -> None:
    other = bytearray(HEADER)
    other[place] ^= 1 << bit
    with pytest.raises(SnapshotBroken):
        decode_header(bytes(other))


@given(data=st.data(), bit=st.integers(0, 7))
def test_a_changed_bit_of_a_part_is_refused_or_changes_nothing(data: st.DataObject, bit: int) -> None:
    """Deflate has a few bits without a meaning; what counts is what the part unpacks to."""
    position = data.draw(st.integers(0, len(PARTS) - 1))
    other = bytearray(PARTS[position])
    other[data.draw(st.integers(0, len(other) - 1))] ^= 1 << bit
    parts = [*PARTS[:position], bytes(other), *PARTS[position + 1 :]]
    try:
        engine = loaded(HEADER, parts)
    except SnapshotBroken:
        return
    assert taken(engine) == (HEADER, PARTS)


@pytest.mark.parametrize("data", [b"", b"\x00" * 40, HEADER[:-3], snapshots.digest_of(b"\x93") + b"\x93"])
def test_other_bytes_are_no_header(data: bytes) -> None:
    with pytest.raises(SnapshotBroken):
        decode_header(data)


def test_a_snapshot_of_another_layout_is_refused() -> None:
    with pytest.raises(SnapshotBroken, match="layout 9"):
        loaded(changed(layout=9), PARTS)


@pytest.mark.parametrize("shape", [(2**40,), (-1,), (0,), (1, 1)])
def test_a_table_of_an_impossible_size_is_refused(shape: tuple[int, ...]) -> None:
    tables = decode_header(HEADER).tables
    tables["balances"] = (tables["balances"][0], shape)

    with pytest.raises(SnapshotBroken):
        loaded(changed(tables=tables), PARTS)


def test_a_table_of_another_record_type_is_refused() -> None:
    tables = decode_header(HEADER).tables
    tables["balances"] = (tables["jobs"][0], tables["balances"][1])

    with pytest.raises(SnapshotBroken, match="another form"):
        loaded(changed(tables=tables), PARTS)


@pytest.mark.parametrize(
    ("change", "detail"), [({"table": "nothing"}, "outside"), ({"offset": -1}, "outside"), ({"size": 1}, "other bytes")]
)
def test_a_part_at_an_impossible_place_is_refused(change: dict[str, object], detail: str) -> None:
    rows = decode_header(HEADER).parts
    rows[0] = msgspec.structs.replace(rows[0], **change)

    with pytest.raises(SnapshotBroken, match=detail):
        loaded(changed(parts=rows), PARTS)


def test_a_part_that_never_came_is_missed() -> None:
    with pytest.raises(SnapshotBroken, match="missing"):
        loaded(HEADER, PARTS[:-1])


def test_a_header_that_names_another_seq_is_refused() -> None:
    header: Header = decode_header(HEADER)

    with pytest.raises(SnapshotBroken, match="stands at seq"):
        loaded(changed(seq=header.seq + 1), PARTS)


def test_an_engine_elsewhere_than_the_head_is_not_taken() -> None:
    with pytest.raises(SnapshotBroken):
        Taking(Engine(), Head(number=0, seq=1, hash=b"h" * 32, ts_ms=1))


def test_texts_come_back_whole() -> None:
    directory = Directory(
        names=["a", "b"],
        accounts={"a": 1, "b": 2},
        deposit_keys={2: 3},
        key_publics=[b"\n" * 32, b"\x00" * 32],
        keys={b"\n" * 32: 1, b"\x00" * 32: 2},
        markets={4: b"{}"},
        address_names={(1, 2, "home")},
        signed={7: b"bytes"},
    )

    assert unpack_texts(pack_texts(directory)) == directory
    assert unpack_texts(pack_texts(Directory())) == Directory()
    assert unpack_texts(pack_texts(replace(directory, names=[], accounts={}))) != directory
