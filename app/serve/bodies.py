"""What frames carry on the hot path: requests in, answers and sealed batches out, as the records lie in memory.

``REQUESTS``, little-endian: number of the first (u32), how many (u32); for each its count of commands and of payloads
(u32, u32); all command records; the lengths of all payloads (u32 each); the payloads. ``ANSWERS``: number of the batch
in which their events lie (i64), then rows of ``ROW``. ``BATCH``: its number (i64), the hash before it, its own hash,
and its canonical bytes. ``LEFT_OUT``: the number of a batch that the reader takes from the log itself.
"""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from app.serve.errors import FrameBroken
from ledger.codec import Batch, open_body
from ledger.engine.api import Records, Request
from ledger.engine.layout import COMMAND
from ledger.hashing import HASH_BYTES
from ledger.log.errors import BatchMalformed

REQUESTS_MAX: Final = 4_096
"""Requests of one frame."""

COUNTS: Final = struct.Struct("<II")
NUMBER: Final = struct.Struct("<q")
BATCH_HEAD: Final = struct.Struct(f"<q{HASH_BYTES}s{HASH_BYTES}s")
ROW: Final = struct.Struct("<IBBHIIqqq")
"""Number of the request, ``Status``, duplicate, code, first event within the batch, events, reference, value, bound."""

_SHAPE: Final = np.dtype("<u4")
_PLAIN: Final = struct.pack("<II", 1, 0)
_NUMBERS: Final = 1 << 32


class Status:
    """What became of a request on its way: answered, or one of the ways in which the engine is not available."""

    ANSWERED: Final = 0
    OVERLOADED: Final = 1
    """``value``: requests that wait, ``bound``: when to ask again, ms."""
    STOPPED: Final = 2
    UNKNOWN: Final = 3


class Row(NamedTuple):
    """One answer as it travels; its events are a part of the batch that came before it."""

    number: int
    status: int
    duplicate: int
    code: int
    first: int
    events: int
    reference: int
    value: int
    bound: int


def request_size(request: Request) -> int:
    """Return how many bytes of a frame a request takes."""
    size = COUNTS.size + request.commands.nbytes
    if request.payloads:
        size += sum(_SHAPE.itemsize + len(payload) for payload in request.payloads)
    return size


def encode_requests(first: int, requests: Sequence[Request]) -> list[bytes]:
    """Return the parts of a body with these requests; ``first`` is the number of the first."""
    shapes: list[bytes] = []
    commands: list[bytes] = []
    payloads: list[bytes] = []
    for request in requests:
        commands.append(request.commands.tobytes())
        if len(request.commands) == 1 and not request.payloads:
            shapes.append(_PLAIN)
        else:
            shapes.append(COUNTS.pack(len(request.commands), len(request.payloads)))
            payloads.extend(request.payloads)
    lengths = np.fromiter(map(len, payloads), _SHAPE, len(payloads)).tobytes()
    return [COUNTS.pack(first, len(requests)), *shapes, *commands, lengths, *payloads]


def decode_requests(body: bytes) -> tuple[int, list[Request]]:
    """Return the number of the first request and all of them; raises ``FrameBroken`` for any other bytes."""
    if len(body) < COUNTS.size:
        raise FrameBroken("requests without a count")
    first, count = COUNTS.unpack_from(body)
    if not 0 < count <= REQUESTS_MAX:
        raise FrameBroken(f"{count} requests, at most {REQUESTS_MAX}")
    at = COUNTS.size + 2 * _SHAPE.itemsize * count
    if len(body) < at:
        raise FrameBroken(f"{count} requests announced in {len(body)} bytes")
    shapes = np.frombuffer(body, _SHAPE, 2 * count, COUNTS.size).reshape(count, 2).astype(np.int64)
    records, payloads = int(shapes[:, 0].sum()), int(shapes[:, 1].sum())
    if shapes[:, 0].min() < 1 or len(body) < at + records * COMMAND.itemsize + payloads * _SHAPE.itemsize:
        raise FrameBroken(f"{records} commands and {payloads} payloads announced in {len(body)} bytes")
    commands = np.frombuffer(body, COMMAND, records, at).copy()  # kernels are compiled for arrays that may be written
    at += records * COMMAND.itemsize
    if not payloads and records == count:
        if at != len(body):
            raise FrameBroken("bytes behind the last command")
        return first, [Request(commands[place : place + 1]) for place in range(count)]
    return first, _cut(body, at, shapes.tolist(), commands, payloads)


def encode_row(row: Row) -> bytes:
    """Return one answer's bytes."""
    return ROW.pack(*row)


def decode_rows(body: bytes) -> tuple[int, list[Row]]:
    """Return the batch in which the events lie, and the answers; raises ``FrameBroken``."""
    if len(body) < NUMBER.size or (len(body) - NUMBER.size) % ROW.size:
        raise FrameBroken(f"answers of {len(body)} bytes")
    (batch,) = NUMBER.unpack_from(body)
    return batch, [Row(*fields) for fields in ROW.iter_unpack(memoryview(body)[NUMBER.size :])]


def encode_batch(batch: Batch) -> tuple[bytes, bytes]:
    """Return the parts of a batch's body."""
    return BATCH_HEAD.pack(batch.number, batch.previous, batch.hash), batch.body


def encode_left_out(batch: Batch) -> bytes:
    """Return what is told of a batch that is too large for a frame."""
    return NUMBER.pack(batch.number)


def decode_batch(body: bytes) -> Batch:
    """Return a batch, its hash recomputed and compared; raises ``FrameBroken``."""
    if len(body) < BATCH_HEAD.size:
        raise FrameBroken(f"a batch of {len(body)} bytes")
    number, previous, told = BATCH_HEAD.unpack_from(body)
    try:
        batch = open_body(number=number, previous=previous, body=body[BATCH_HEAD.size :])
    except BatchMalformed as error:
        raise FrameBroken(f"batch {number}: {error}") from error
    if batch.hash != told:
        raise FrameBroken(f"batch {number}: other bytes than were hashed")
    return batch


def decode_number(body: bytes) -> int:
    """Return the number of a batch that was left out; raises ``FrameBroken``."""
    if len(body) != NUMBER.size:
        raise FrameBroken(f"a batch's number of {len(body)} bytes")
    return int(NUMBER.unpack(body)[0])


def next_number(number: int) -> int:
    """Return the number of the request that follows; numbers begin again after 2^32."""
    return (number + 1) % _NUMBERS


def _cut(body: bytes, at: int, shapes: list[list[int]], commands: Records, count: int) -> list[Request]:
    lengths = np.frombuffer(body, _SHAPE, count, at).tolist()
    at += count * _SHAPE.itemsize
    if at + sum(lengths) != len(body):
        raise FrameBroken(f"payloads of {sum(lengths)} bytes announced, {len(body) - at} there")
    payloads = []
    for length in lengths:
        payloads.append(body[at : at + length])
        at += length
    requests = []
    record = payload = 0
    for records, texts in shapes:
        requests.append(Request(commands[record : record + records], tuple(payloads[payload : payload + texts])))
        record, payload = record + records, payload + texts
    return requests
