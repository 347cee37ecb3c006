"""What frames carry on the hot path: requests in, answers and sealed batches out, as the records lie in memory.

``REQUESTS``, little-endian: number of the first (u32), how many (u32); for each its count of commands and of payloads
(u32, u32); all command records; the lengths of all payloads (u32 each); the payloads. ``ANSWERS``: number of the batch
in which their events lie (i64), then rows of ``ROW``.

``RUN``: plain requests one after another, numbered from the first, which the engine takes as one block where it can;
``BLOCK``: a block of one number. Both: number, count of commands and of payloads (u32 each), all command records, the
lengths of the payloads, the payloads. ``DECISIONS`` answers either: number and count (u32), number of the batch (i64),
first event within it and count of events (u32), then a ``DECISION`` for each command.

``BATCH``: its number (i64), the hash before it, its own hash,
and its canonical bytes. ``LEFT_OUT``: the number of a batch that the reader takes from the log itself.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from app.serve.errors import FrameBroken
from ledger.codec import Batch, open_body
from ledger.engine.api import Block, BlockAnswer, Request
from ledger.engine.layout import COMMAND, CommandKind, Records
from ledger.engine.tables import DECISION
from ledger.hashing import HASH_BYTES
from ledger.log.errors import BatchMalformed

REQUESTS_MAX: Final = 4_096
"""Requests of one frame."""

RUN_MAX: Final = 512
"""Requests of one run: two of them and more make one batch."""

COUNTS: Final = struct.Struct("<II")
BLOCK_HEAD: Final = struct.Struct("<III")
DECISIONS_HEAD: Final = struct.Struct("<IIqII")
NUMBER: Final = struct.Struct("<q")
BATCH_HEAD: Final = struct.Struct(f"<q{HASH_BYTES}s{HASH_BYTES}s")
ROW: Final = struct.Struct("<IBBHIIqqq")
"""Number of the request, ``Status``, duplicate, code, first event within the batch, events, reference, value, bound."""

_SHAPE: Final = np.dtype("<u4")
_PLAIN: Final = struct.pack("<II", 1, 0)
NUMBERS: Final = 1 << 32
"""Numbers of requests begin again after so many."""


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


def request_size(request: Request | Block) -> int:
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


def is_plain(request: Request) -> bool:
    """Tell whether a request may travel in a run: one command that a block may hold, with one text at most."""
    return (
        len(request.commands) == 1 and len(request.payloads) < 2 and int(request.commands["kind"][0]) not in _NOT_PLAIN
    )


def encode_run(first: int, requests: Sequence[Request]) -> list[bytes]:
    """Return the parts of a body with these plain requests."""
    commands = np.frombuffer(b"".join([request.commands.tobytes() for request in requests]), COMMAND).copy()
    payloads = [request.payloads[0] for request in requests if request.payloads]
    if payloads:
        counts = np.fromiter((len(request.payloads) for request in requests), np.uint32, len(requests))
        used = commands["payload"] != 0
        commands["payload"][used] = np.cumsum(counts, dtype=np.uint32)[used]
    return encode_block(first, Block(commands, tuple(payloads)))


def encode_block(number: int, block: Block) -> list[bytes]:
    """Return the parts of a body with one block."""
    payloads = block.payloads
    lengths = np.fromiter(map(len, payloads), _SHAPE, len(payloads)).tobytes()
    head = BLOCK_HEAD.pack(number, len(block.commands), len(payloads))
    return [head, block.commands.tobytes(), lengths, *payloads]


def decode_block(body: bytes) -> tuple[int, Block]:
    """Return a run's or a block's number and its commands; raises ``FrameBroken`` for any other bytes."""
    if len(body) < BLOCK_HEAD.size:
        raise FrameBroken("a block without counts")
    number, records, count = BLOCK_HEAD.unpack_from(body)
    at = BLOCK_HEAD.size + records * COMMAND.itemsize
    if not records or len(body) < at + count * _SHAPE.itemsize:
        raise FrameBroken(f"{records} commands and {count} payloads announced in {len(body)} bytes")
    commands = np.frombuffer(body, COMMAND, records, BLOCK_HEAD.size).copy()
    if int(commands["payload"].max()) > count:
        raise FrameBroken(f"payload {commands['payload'].max()} of {count}")
    try:
        return number, Block(commands, tuple(_cut_payloads(body, at, count)))
    except ValueError as error:
        raise FrameBroken(str(error)) from error


def requests_of(block: Block) -> list[Request]:
    """Return the commands of a run as the requests that they were."""
    requests = []
    for place in range(len(block.commands)):
        record = block.commands[place : place + 1]
        payload = int(record["payload"][0])
        if payload:
            record["payload"] = 1
        requests.append(Request(record, block.payloads[payload - 1 : payload] if payload else ()))
    return requests


def encode_decisions(number: int, answer: BlockAnswer, *, batch: int, first: int) -> tuple[bytes, bytes]:
    """Return the parts of a body with a block's answer, whose events are those from ``first`` on of a batch."""
    decisions = answer.decisions
    head = DECISIONS_HEAD.pack(number, len(decisions), batch, first, len(answer.events))
    return head, decisions.tobytes()


def decode_decisions(body: bytes) -> tuple[int, int, slice, Records]:
    """Return number, batch, where in it the events lie, and the decisions; raises ``FrameBroken``."""
    if len(body) < DECISIONS_HEAD.size:
        raise FrameBroken(f"decisions of {len(body)} bytes")
    number, count, batch, first, events = DECISIONS_HEAD.unpack_from(body)
    if len(body) != DECISIONS_HEAD.size + count * DECISION.itemsize:
        raise FrameBroken(f"{count} decisions announced in {len(body)} bytes")
    decisions = np.frombuffer(body, DECISION, count, DECISIONS_HEAD.size)
    return number, batch, slice(first, first + events), decisions


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
    return (number + 1) % NUMBERS


def numbers_from(first: int, count: int) -> Iterator[int]:
    """Yield the numbers of so many requests."""
    return ((first + place) % NUMBERS for place in range(count))


def _cut(body: bytes, at: int, shapes: list[list[int]], commands: Records, count: int) -> list[Request]:
    payloads = _cut_payloads(body, at, count)
    requests = []
    record = payload = 0
    for records, texts in shapes:
        requests.append(Request(commands[record : record + records], tuple(payloads[payload : payload + texts])))
        record, payload = record + records, payload + texts
    return requests


def _cut_payloads(body: bytes, at: int, count: int) -> list[bytes]:
    """Return the payloads that fill the rest of a body, behind their lengths."""
    lengths = np.frombuffer(body, _SHAPE, count, at).tolist()
    at += count * _SHAPE.itemsize
    if at + sum(lengths) != len(body):
        raise FrameBroken(f"payloads of {sum(lengths)} bytes announced, {len(body) - at} there")
    payloads = []
    for length in lengths:
        payloads.append(body[at : at + length])
        at += length
    return payloads


def _is_refused_by_block(kind: CommandKind) -> bool:
    record = np.zeros(1, COMMAND)
    record["kind"] = kind
    try:
        Block(record)
    except ValueError:
        return True
    return False


_NOT_PLAIN: Final = frozenset(int(kind) for kind in CommandKind if _is_refused_by_block(kind))
