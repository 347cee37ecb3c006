"""The signer's own reading of a call: exactly the calls it may sign, from fixed bytes, without asking any node.

The submitter builds calls from the node's metadata; the signer reads them with this table of spec 424. A node whose
metadata lies about an index gets no signature. Layouts: ``spec/substrate_rpc.md`` section 10.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.custody.errors import SigningRefused
from app.custody.scale import Reader, compact, u16, u32, u64

SPEC_VERSION = 424
TRANSACTION_VERSION = 1
STAKING_PROXY = 8
MAX_DEPTH = 4
MAX_CALLS = 512


@dataclass(frozen=True, slots=True)
class Transfer:
    """``Balances.transfer_keep_alive``: TAO, rao."""

    destination: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class TransferStake:
    """``SubtensorModule.transfer_stake``: alpha of a hotkey to another coldkey, alpha rao."""

    destination: bytes
    hotkey: bytes
    origin_netuid: int
    destination_netuid: int
    amount: int


@dataclass(frozen=True, slots=True)
class MoveStake:
    """``SubtensorModule.move_stake``: alpha from one hotkey to another, same coldkey, alpha rao."""

    origin_hotkey: bytes
    destination_hotkey: bytes
    origin_netuid: int
    destination_netuid: int
    amount: int


@dataclass(frozen=True, slots=True)
class LimitSwap:
    """``SubtensorModule.add_stake_limit`` (buy, amount in TAO) or ``remove_stake_limit`` (sell, in alpha), rao."""

    sell: bool
    hotkey: bytes
    netuid: int
    amount: int
    limit: int
    allow_partial: bool


@dataclass(frozen=True, slots=True)
class Proxied:
    """``Proxy.proxy``: an inner call as another account; ``force`` is the proxy type or ``None``."""

    real: bytes
    force: int | None
    call: "Call"


@dataclass(frozen=True, slots=True)
class ForceBatch:
    """``Utility.force_batch``: inner calls, each on its own."""

    calls: tuple["Call", ...]


@dataclass(frozen=True, slots=True)
class ChangeProxy:
    """``Proxy.add_proxy`` or ``remove_proxy``."""

    add: bool
    delegate: bytes
    proxy_type: int
    delay: int


@dataclass(frozen=True, slots=True)
class Remark:
    """``System.remark``: does nothing but use a nonce."""

    text: bytes


Call = Transfer | TransferStake | MoveStake | LimitSwap | Proxied | ForceBatch | ChangeProxy | Remark


def parse_call(data: bytes) -> Call:
    """Return what a call does.

    Raises ``SigningRefused``: ``call_unknown`` for any call outside this table, ``call_malformed`` for bytes that are
    not the one encoding of it, ``call_too_deep``.
    """
    reader = Reader(data)
    call = _parse(reader, 0)
    if reader.left:
        raise SigningRefused("call_malformed", "bytes after the call", reader.left, 0)
    if encode_call(call) != data:
        raise SigningRefused("call_malformed", "not the shortest encoding")
    return call


def encode_call(call: Call) -> bytes:
    """Return the one encoding of a call, inverse of ``parse_call``."""
    if isinstance(call, Transfer):
        return b"\x05\x03\x00" + call.destination + compact(call.amount)
    if isinstance(call, TransferStake):
        netuids = u16(call.origin_netuid) + u16(call.destination_netuid)
        return b"\x07\x56" + call.destination + call.hotkey + netuids + u64(call.amount)
    if isinstance(call, MoveStake):
        netuids = u16(call.origin_netuid) + u16(call.destination_netuid)
        return b"\x07\x55" + call.origin_hotkey + call.destination_hotkey + netuids + u64(call.amount)
    if isinstance(call, LimitSwap):
        index = b"\x07\x59" if call.sell else b"\x07\x58"
        figures = u16(call.netuid) + u64(call.amount) + u64(call.limit)
        return index + call.hotkey + figures + bytes((call.allow_partial,))
    if isinstance(call, Proxied):
        force = b"\x00" if call.force is None else bytes((1, call.force))
        return b"\x10\x00\x00" + call.real + force + encode_call(call.call)
    if isinstance(call, ForceBatch):
        return b"\x0b\x04" + compact(len(call.calls)) + b"".join(map(encode_call, call.calls))
    if isinstance(call, ChangeProxy):
        index = b"\x10\x01\x00" if call.add else b"\x10\x02\x00"
        return index + call.delegate + bytes((call.proxy_type,)) + u32(call.delay)
    return b"\x00\x00" + compact(len(call.text)) + call.text


def _parse(reader: Reader, depth: int) -> Call:
    if depth > MAX_DEPTH:
        raise SigningRefused("call_too_deep", "", depth, MAX_DEPTH)
    index = reader.take(2)
    if index == b"\x10\x00":
        real = reader.account()
        force = reader.byte() if reader.flag() else None
        return Proxied(real, force, _parse(reader, depth + 1))
    if index == b"\x0b\x04":
        count = reader.compact()
        if count > MAX_CALLS:
            raise SigningRefused("call_too_long", "calls in a batch", count, MAX_CALLS)
        return ForceBatch(tuple(_parse(reader, depth + 1) for _ in range(count)))
    parse = _LEAVES.get(index)
    if parse is None:
        raise SigningRefused("call_unknown", index.hex())
    return parse(reader)


_LEAVES: dict[bytes, Callable[[Reader], Call]] = {
    b"\x05\x03": lambda r: Transfer(r.account(), r.compact()),
    b"\x07\x56": lambda r: TransferStake(r.take(32), r.take(32), r.uint(2), r.uint(2), r.uint(8)),
    b"\x07\x55": lambda r: MoveStake(r.take(32), r.take(32), r.uint(2), r.uint(2), r.uint(8)),
    b"\x07\x58": lambda r: LimitSwap(False, r.take(32), r.uint(2), r.uint(8), r.uint(8), r.flag()),
    b"\x07\x59": lambda r: LimitSwap(True, r.take(32), r.uint(2), r.uint(8), r.uint(8), r.flag()),
    b"\x10\x01": lambda r: ChangeProxy(True, r.account(), r.byte(), r.uint(4)),
    b"\x10\x02": lambda r: ChangeProxy(False, r.account(), r.byte(), r.uint(4)),
    b"\x00\x00": lambda r: Remark(r.take(r.compact())),
}
"""Call index -> reader of its arguments, in order; Python evaluates them from left to right."""
