"""Batches and their canonical bytes: what is hashed, stored, and read again.

Canonical bytes, all integers little-endian: magic ``TBLB``, layout version u16, event size u16, ts u64 (ms), writer
epoch u64, first seq u64, event count u32, payload count u32; the event records as they lie in memory; then each payload
with its length as u32 before it. Stored as pages of at most 8 000 bytes, cut anywhere. Batches of older layouts are
read too: their bytes and hashes stay, their events are those of the present layout (``upcasting.py``).
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ledger.engine.layout import EVENT, LAYOUT_VERSION, Records
from ledger.hashing import HASH_BYTES, batch_hash
from ledger.log.errors import BatchMalformed
from ledger.upcasting import is_readable, upcast

MAGIC = b"TBLB"
HEADER = struct.Struct("<4sHHQQQII")
LENGTH = struct.Struct("<I")
PAGE_BYTES = 8_000
"""One row of storage plain fills one 8 kB block of the database."""

MAX_EVENTS = 1 << 20
MAX_PAYLOADS = 1 << 20
MAX_PAYLOAD_BYTES = 1 << 20
MAX_INTEGER = (1 << 63) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One step of the log, sealed: events with contiguous seqs, decided at one time by one writer.

    ``events``: ``EVENT[n]``, n >= 1; ``payloads``: what ``event.payload`` points into, from 1; ``ts_ms``: ms since
    1970; ``body``: the canonical bytes; ``hash``: the chain's head after this batch. Equal hashes mean equal batches.
    """

    number: int
    ts_ms: int
    writer_epoch: int
    first_seq: int
    last_seq: int
    events: Records = field(repr=False)
    payloads: tuple[bytes, ...] = field(repr=False)
    previous: bytes = field(repr=False)
    hash: bytes
    body: bytes = field(repr=False)

    @property
    def page_count(self) -> int:
        """Return how many pages the body fills."""
        return -(-len(self.body) // PAGE_BYTES)


def seal(
    *, number: int, ts_ms: int, writer_epoch: int, events: Records, payloads: Sequence[bytes], previous: bytes
) -> Batch:
    """Return the batch of these events behind ``previous``; raises ``BatchMalformed`` for what would not decode."""
    body = encode_body(ts_ms=ts_ms, writer_epoch=writer_epoch, events=events, payloads=payloads)
    return _batch(number, previous, body, ts_ms, writer_epoch, events, tuple(payloads))


def open_body(*, number: int, previous: bytes, body: bytes) -> Batch:
    """Return the batch with these canonical bytes; its hash is computed here, to be compared by the caller."""
    ts_ms, writer_epoch, events, payloads = decode_body(body)
    return _batch(number, previous, body, ts_ms, writer_epoch, events, payloads)


def encode_body(*, ts_ms: int, writer_epoch: int, events: Records, payloads: Sequence[bytes]) -> bytes:
    """Return the canonical bytes; raises ``BatchMalformed`` for what ``decode_body`` would refuse."""
    _check_events(events, len(payloads))
    if not 0 <= ts_ms <= MAX_INTEGER or not 0 <= writer_epoch <= MAX_INTEGER:
        raise BatchMalformed(detail=f"ts {ts_ms} or writer epoch {writer_epoch} out of range")
    first_seq = int(events["seq"][0])
    header = HEADER.pack(
        MAGIC, LAYOUT_VERSION, EVENT.itemsize, ts_ms, writer_epoch, first_seq, len(events), len(payloads)
    )
    parts = [header, events.tobytes()]
    for payload in payloads:
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise BatchMalformed(detail=f"payload of {len(payload)} bytes, at most {MAX_PAYLOAD_BYTES}")
        parts += (LENGTH.pack(len(payload)), payload)
    return b"".join(parts)


def decode_body(body: bytes) -> tuple[int, int, Records, tuple[bytes, ...]]:
    """Return ``(ts_ms, writer_epoch, events, payloads)``; raises ``BatchMalformed`` for anything but canonical bytes.

    The events are a copy of their own, writable like a live engine's: kernels are compiled for one kind of array.
    """
    if len(body) < HEADER.size:
        raise BatchMalformed(detail=f"{len(body)} bytes, the header alone has {HEADER.size}")
    magic, version, event_size, ts_ms, writer_epoch, first_seq, event_count, payload_count = HEADER.unpack_from(body)
    if magic != MAGIC:
        raise BatchMalformed(detail=f"magic {magic!r}")
    if not is_readable(version) or event_size != EVENT.itemsize:
        raise BatchMalformed(detail=f"layout {version} with events of {event_size} bytes is unknown", offset=4)
    if ts_ms > MAX_INTEGER or writer_epoch > MAX_INTEGER:
        raise BatchMalformed(detail=f"ts {ts_ms} or writer epoch {writer_epoch} out of range", offset=8)
    if not 0 < event_count <= MAX_EVENTS or payload_count > MAX_PAYLOADS:
        raise BatchMalformed(detail=f"{event_count} events, {payload_count} payloads", offset=32)
    offset = HEADER.size + event_count * EVENT.itemsize
    if len(body) < offset + payload_count * LENGTH.size:
        raise BatchMalformed(detail="shorter than its counts say", offset=len(body))
    events = np.frombuffer(body, dtype=EVENT, count=event_count, offset=HEADER.size).copy()
    if events["seq"][0] != first_seq:
        raise BatchMalformed(detail=f"first seq {first_seq} above, {events['seq'][0]} in the record", offset=24)
    _check_events(events, payload_count)
    payloads, offset = _decode_payloads(body, offset, payload_count)
    if offset != len(body):
        raise BatchMalformed(detail=f"{len(body) - offset} bytes too many", offset=offset)
    return ts_ms, writer_epoch, upcast(version, events), payloads


def split_pages(body: bytes) -> list[bytes]:
    """Return the pages of a body, each full but the last."""
    return [body[start : start + PAGE_BYTES] for start in range(0, len(body), PAGE_BYTES)]


def join_pages(pages: Iterable[bytes]) -> bytes:
    """Return the body of its pages in order."""
    return b"".join(pages)


def _batch(
    number: int,
    previous: bytes,
    body: bytes,
    ts_ms: int,
    writer_epoch: int,
    events: Records,
    payloads: tuple[bytes, ...],
) -> Batch:
    if len(previous) != HASH_BYTES:
        raise BatchMalformed(detail=f"previous hash of {len(previous)} bytes")
    return Batch(
        number=number,
        ts_ms=ts_ms,
        writer_epoch=writer_epoch,
        first_seq=int(events["seq"][0]),
        last_seq=int(events["seq"][-1]),
        events=events,
        payloads=payloads,
        previous=previous,
        hash=batch_hash(previous, number, body),
        body=body,
    )


def _check_events(events: Records, payload_count: int) -> None:
    """Refuse events of another type, without contiguous seqs from 1, or that point past the payloads."""
    if events.dtype != EVENT or events.ndim != 1:
        raise BatchMalformed(detail=f"events of type {events.dtype}")
    if not 0 < len(events) <= MAX_EVENTS or payload_count > MAX_PAYLOADS:
        raise BatchMalformed(detail=f"{len(events)} events, {payload_count} payloads")
    seqs = events["seq"]
    if seqs[0] < 1 or not np.array_equal(seqs, np.arange(seqs[0], seqs[0] + len(seqs))):
        raise BatchMalformed(detail=f"seqs are not contiguous from {seqs[0]}", offset=HEADER.size)
    if events["payload"].max() > payload_count:
        raise BatchMalformed(detail=f"payload {events['payload'].max()} of {payload_count}", offset=HEADER.size)


def _decode_payloads(body: bytes, offset: int, count: int) -> tuple[tuple[bytes, ...], int]:
    payloads = []
    for _ in range(count):
        if offset + LENGTH.size > len(body):
            raise BatchMalformed(detail="a payload's length is cut off", offset=offset)
        (length,) = LENGTH.unpack_from(body, offset)
        offset += LENGTH.size
        if length > MAX_PAYLOAD_BYTES:
            raise BatchMalformed(detail=f"payload of {length} bytes, at most {MAX_PAYLOAD_BYTES}", offset=offset)
        if offset + length > len(body):
            raise BatchMalformed(detail=f"payload of {length} bytes is cut off", offset=offset)
        payloads.append(body[offset : offset + length])
        offset += length
    return tuple(payloads), offset
