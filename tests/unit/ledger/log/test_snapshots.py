import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.engine.machine import Engine
from ledger.log.snapshots import SnapshotBroken, decode_snapshot, encode_snapshot
from tests.support.builders import TAO, Exchange, buy, sell, trading_exchange, withdraw


def played() -> tuple[Exchange, int]:
    exchange, numbers = trading_exchange({"alice": (100 * TAO, 5 * TAO), "bob": (7 * TAO, 0)})
    buy(exchange, numbers["alice"], tao=2 * TAO)
    sell(exchange, numbers["alice"], alpha=TAO)
    return exchange, numbers["bob"]


def test_live_replay_and_snapshot_have_one_hash() -> None:
    exchange, _ = played()
    replayed = Engine()
    for ts_ms, events, payloads in exchange.log:
        replayed.evolve(ts_ms, events, payloads)

    restored = decode_snapshot(encode_snapshot(exchange.engine))

    assert restored.state_hash() == replayed.state_hash() == exchange.engine.state_hash()
    assert restored.seq == exchange.engine.seq


def test_an_engine_from_a_snapshot_goes_on_as_the_live_one_does() -> None:
    exchange, bob = played()
    restored = decode_snapshot(encode_snapshot(exchange.engine))
    stored = len(exchange.log)

    buy(exchange, bob, tao=TAO)
    withdraw(exchange, bob, TAO)
    exchange.head([])

    for ts_ms, events, payloads in exchange.log[stored:]:
        restored.evolve(ts_ms, events, payloads)
    assert restored.state_hash() == exchange.engine.state_hash()


SNAPSHOT = encode_snapshot(played()[0].engine)
CONTENT = zlib.decompress(SNAPSHOT)


@given(place=st.integers(0, len(CONTENT) - 1), bit=st.integers(0, 7))
def test_a_changed_bit_is_refused(place: int, bit: int) -> None:
    changed = bytearray(CONTENT)
    changed[place] ^= 1 << bit
    with pytest.raises(SnapshotBroken):
        decode_snapshot(zlib.compress(bytes(changed)))


@pytest.mark.parametrize("data", [b"", b"\x00" * 40, SNAPSHOT[:-3], zlib.compress(b"\x93\x01\x02\x03")])
def test_other_bytes_are_no_snapshot(data: bytes) -> None:
    with pytest.raises(SnapshotBroken):
        decode_snapshot(data)
