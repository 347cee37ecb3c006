"""Trading requests as clients mostly send them, decoded once into the engine's records and answered from its decisions.

What is out of the ordinary, a field that is seldom used or a value that will be refused, is left to the general way
(``trading.py``), which has the words for it: nothing here may refuse what that way would take, or take what it would
refuse. Commands without a client's own id get one that is never used again.
"""

import secrets
from collections.abc import Callable, Sequence
from itertools import count
from struct import Struct
from typing import Any, Final, Protocol

import msgspec

from app.gateway.auth import ApiKey, Permission
from app.gateway.feeds.asked import (
    ABSENT,
    AddFields,
    AddOrder,
    AmendFields,
    AmendOrder,
    Asked,
    BatchAdd,
    BatchCancel,
    BatchCancelFields,
    BatchFields,
    CancelAll,
    CancelFields,
    CancelOrder,
    OrderFields,
    TokenFields,
    decoder,
)
from app.gateway.feeds.frames import encode
from app.gateway.feeds.lane import Lane
from app.gateway.feeds.regrets import add_refusal, amendment_refusal, batch_refusal, refusal_frame, refusal_row
from app.gateway.feeds.subscription import REQ_ID_MAX
from app.gateway.folds.orders import Order
from app.gateway.kraken.amends import amendment_of
from app.gateway.kraken.envelope import rfc3339
from app.gateway.kraken.errors import Refused
from app.gateway.kraken.ids import ORDER, decode_id
from app.gateway.kraken.names import LOT_RAO, PRICE_TICK_RAO, Pair
from app.gateway.kraken.orders import count_order
from app.gateway.kraken.prices import PRICE_MAX_RAO
from app.gateway.kraken.refusals import refused_by
from app.gateway.kraken.render import amend_id, order_id
from app.gateway.kraken.tickets import RAO_PER_WHOLE, is_client_order_id, ticket_digest
from app.gateway.limits import amend_cost, cancel_cost
from app.gateway.parts import Parts
from ledger.engine.api import BlockAnswer
from ledger.engine.layout import COMMAND, MAX_AMOUNT, NO_NETUID, CommandKind, EventKind, Flag
from ledger.engine.records import client_id

BATCH_MIN, BATCH_MAX = 2, 15
CANCELS_MAX: Final = 50
_DECIMALS: Final = 8
_WHOLE_MAX: Final = 9
_PADDING: Final = [b"0" * (_DECIMALS - length) for length in range(_DECIMALS + 1)]
_INT32: Final = 2**31
_RECORD: Final = Struct("<4H4I9q")
# Plain integers: a member of an enumeration takes microseconds to combine.
_LIMIT, _POST_ONLY, _AT_ONCE = int(Flag.LIMIT), int(Flag.POST_ONLY), int(Flag.IOC | Flag.FOK)
_PLACE_ORDER: Final = int(CommandKind.PLACE_ORDER)
_TYPES: Final = {"limit": _LIMIT, "market": 0}
_SIDES: Final = {"buy": 0, "sell": int(Flag.SELL)}
_TIMES: Final = {"gtc": 0, "ioc": int(Flag.IOC), "fok": int(Flag.FOK)}
_MIN_LOTS: Final = 1

assert _RECORD.size == COMMAND.itemsize, "a record is packed as it lies in memory"


class Asker(Protocol):
    """The socket that asks."""

    def find_key(self, token: object) -> ApiKey | None:
        """Return the key of a good token."""

    def answer(self, frames: Sequence[str]) -> None:
        """Send the answers to one request that was on its way."""


class _General(Exception):  # noqa: N818 - not an error
    """The general way knows better."""


class _Limited(Exception):  # noqa: N818 - not an error
    """Limits stand against all orders of a batch."""

    def __init__(self, frame: str) -> None:
        super().__init__(frame)
        self.frame = frame


Told = Callable[[BlockAnswer, Sequence[Sequence[int]], int], list[str]]
"""Makes the answers to a request from its block's answer and decisions, and the place of its first decision."""


class _Request:
    """One request on its way: ``count`` commands; ``replies``: how many answers a refusal of all of it has."""

    __slots__ = ("asker", "count", "in_ms", "is_relief", "message", "method", "parts", "replies", "req_id", "told")

    def __init__(self, parts: Parts, asker: Asker, asked: "Asked", message: bytes, in_ms: int) -> None:
        self.parts = parts
        self.asker = asker
        self.message = message
        self.method: str = type(asked).__struct_config__.tag  # type: ignore[assignment]
        self.req_id = asked.req_id
        self.in_ms = in_ms
        self.is_relief = False
        self.count = self.replies = 1
        self.told: Told = lambda *_: []

    def tell(self, answer: BlockAnswer, rows: Sequence[Sequence[int]], position: int) -> None:
        """Answer the request."""
        self.asker.answer(self.told(answer, rows, position))

    def refuse(self, refused: Refused) -> None:
        """Answer that nothing of it was done, or that nobody knows."""
        self.asker.answer([self.refusal(refused)] * self.replies)

    def refusal(self, refused: Refused) -> str:
        """Return a refusal as an answer to the request."""
        return refusal_frame(self.method, self.req_id, refused, in_ms=self.in_ms, out_ms=self.parts.now_ms())

    def success(self, result: str, name: str = "result") -> str:
        """Return an answer with a result, JSON."""
        numbered = f',"req_id":{self.req_id}' if self.req_id is not None else ""
        return (
            f'{{"method":"{self.method}"{numbered},"success":true,"{name}":{result},'
            f'"time_in":"{rfc3339(self.in_ms)}","time_out":"{rfc3339(self.parts.now_ms())}"}}'
        )


class Desk:
    """Takes the ordinary trading requests of all sockets of one gateway."""

    def __init__(self, parts: Parts, lane: Lane) -> None:
        self._parts = parts
        self._lane = lane
        self._limits = parts.limits
        self._names = parts.replica.names
        # With a number that nobody can guess in its upper half, no id of ours meets one that a client made.
        self._series = secrets.randbits(63)
        self._numbers = count(1)
        self._takers: dict[type, Callable[[_Request, Any], None]] = {
            AddOrder: self._add_order,
            BatchAdd: self._batch_add,
            CancelOrder: self._cancel_order,
            AmendOrder: self._amend_order,
            BatchCancel: self._batch_cancel,
            CancelAll: self._cancel_all,
        }

    def take(self, asker: Asker, message: bytes, in_ms: int) -> bool:
        """Put a request on its way, or return False: it is for the general way. Its asker gets one ``answer``."""
        try:
            asked = decoder.decode(message)
            if asked.req_id is not None and not 0 <= asked.req_id <= REQ_ID_MAX:
                return False
            request = _Request(self._parts, asker, asked, message, in_ms)
            self._takers[type(asked)](request, asked.params)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, _General):
            return False
        except _Limited as limited:
            asker.answer([limited.frame])
        except Refused as refused:
            asker.answer([request.refusal(refused)])
        return True

    def _account(self, request: _Request, token: str, permission: Permission) -> int:
        key = request.asker.find_key(token)
        if key is None or permission not in key.permissions:
            raise _General
        return key.account

    def _pair(self, symbol: str) -> Pair:
        pair = self._names.find_pair(symbol) if "/" in symbol else None
        if pair is None:
            raise _General
        return pair

    def _add_order(self, request: _Request, params: AddFields) -> None:
        account = self._account(request, params.token, Permission.MODIFY_ORDERS)
        pair = self._pair(params.symbol)
        figures = _figures(params, pair)
        if self._limits.enabled:
            self._count(account, pair, params, figures, request.in_ms)

        def told(answer: BlockAnswer, rows: Sequence[Sequence[int]], position: int) -> list[str]:
            code, reference = rows[position][:2]
            if code:
                return [request.refusal(add_refusal(self._parts, request.message, request.in_ms, answer.one(position)))]
            return [request.success(_order_result(params, reference))]

        request.told = told
        self._lane.put(request, (self._order_record(account, pair, params, figures),))

    def _batch_add(self, request: _Request, params: BatchFields) -> None:
        account = self._account(request, params.token, Permission.MODIFY_ORDERS)
        pair = self._pair(params.symbol)
        orders = params.orders
        if not BATCH_MIN <= len(orders) <= BATCH_MAX:
            raise _General
        figures = [_figures(order, pair) for order in orders]
        # What is beyond a limit is told in its own place, and the others stand.
        limited = self._limited(account, pair, orders, figures, request.in_ms) if self._limits.enabled else {}

        def told(answer: BlockAnswer, rows: Sequence[Sequence[int]], position: int) -> list[str]:
            shown = []
            for place, order in enumerate(orders):
                if place in limited:
                    shown.append(encode(refusal_row(limited[place])))
                    continue
                code, reference = rows[position][:2]
                if code:
                    refused = batch_refusal(self._parts, request.message, request.in_ms, place, answer.one(position))
                    shown.append(encode(refusal_row(refused)))
                else:
                    shown.append(_order_result(order, reference))
                position += 1
            return [request.success(f"[{','.join(shown)}]")]

        if len(limited) == len(orders):
            raise _Limited(request.success(f"[{','.join(encode(refusal_row(one)) for one in limited.values())}]"))
        request.told = told
        request.count = len(orders) - len(limited)
        records = [
            self._order_record(account, pair, order, figures[place])
            for place, order in enumerate(orders)
            if place not in limited
        ]
        self._lane.put(request, records)

    def _limited(
        self,
        account: int,
        pair: Pair,
        orders: Sequence[OrderFields],
        figures: Sequence[tuple[int, int, int]],
        in_ms: int,
    ) -> dict[int, Refused]:
        """Count the orders of a batch, and return what is refused, by place."""
        waiting = sum(map(_may_wait, figures))
        if not self._limits.open_order(self._parts.replica.orders.count_open(account, pair.netuid) + waiting):
            raise _General  # whether the last ones are too many depends on what became of the first
        limited = {}
        for place, (order, own) in enumerate(zip(orders, figures, strict=True)):
            try:
                self._count(account, pair, order, own, in_ms)
            except Refused as refused:
                limited[place] = refused
        return limited

    def _count(self, account: int, pair: Pair, fields: OrderFields, figures: tuple[int, int, int], in_ms: int) -> None:
        may_wait = _may_wait(figures)
        count_order(self._parts, account, pair, fields.cl_ord_id, may_wait=may_wait, now_ms=in_ms)

    def _order_record(self, account: int, pair: Pair, fields: OrderFields, figures: tuple[int, int, int]) -> bytes:
        flags, volume, limit = figures
        name, userref = fields.cl_ord_id, fields.order_userref or 0
        if name:
            high, low = client_id(f"o:{name}")
            digest = ticket_digest(account, pair.netuid, flags, 0, volume, 0, limit, 0, userref, "0")
        else:
            high, low, digest = self._series, next(self._numbers), 0
        slippage_ppm = 0 if flags & _LIMIT else self._parts.settings.slippage_ppm
        return _RECORD.pack(
            _PLACE_ORDER,
            flags,
            pair.netuid,
            0,
            account,
            userref % 2**32,
            0,
            self._lane.payload(name),
            0,
            volume,
            0,
            limit,
            slippage_ppm,
            0,
            high,
            low,
            digest,
        )

    def _cancel_order(self, request: _Request, params: CancelFields) -> None:
        account = self._account(request, params.token, Permission.CANCEL_ORDERS)
        if not 0 < len(params.order_id) + len(params.cl_ord_id) <= CANCELS_MAX:
            raise _General
        found = [self._open_order(account, text) for text in params.order_id]
        found += [self._named_order(account, text) for text in params.cl_ord_id]
        if len({order.seq for order in found}) < len(found) or (self._limits.enabled and len(found) > 1):
            raise _General
        self._count_cancels(account, found, request.in_ms)
        request.is_relief = True
        request.count = request.replies = len(found)
        results = [f'{{"order_id":"{text}"}}' for text in params.order_id]
        results += [encode({"cl_ord_id": text}) for text in params.cl_ord_id]

        def told(answer: BlockAnswer, rows: Sequence[Sequence[int]], position: int) -> list[str]:
            frames = []
            for place, (order, result) in enumerate(zip(found, results, strict=True), position):
                if rows[place][0]:
                    refused = refused_by(answer.one(place), name="txid", shown=order_id(order.seq))
                    frames.append(request.refusal(refused))
                else:
                    frames.append(request.success(result))
            return frames

        request.told = told
        self._lane.put(request, [self._cancel_record(account, order.seq) for order in found])

    def _batch_cancel(self, request: _Request, params: BatchCancelFields) -> None:
        account = self._account(request, params.token, Permission.CANCEL_ORDERS)
        if not 0 < len(params.orders) <= CANCELS_MAX or self._limits.enabled:
            raise _General
        found = list({order.seq: order for order in [self._open_order(account, text) for text in params.orders]})
        request.is_relief = True
        request.count = len(found)

        def told(answer: BlockAnswer, rows: Sequence[Sequence[int]], position: int) -> list[str]:
            for place, seq in enumerate(found, position):
                if rows[place][0]:
                    return [request.refusal(refused_by(answer.one(place), name="txid", shown=order_id(seq)))]
            return [request.success(str(len(found)), "orders_cancelled")]

        request.told = told
        self._lane.put(request, [self._cancel_record(account, seq) for seq in found])

    def _cancel_all(self, request: _Request, params: TokenFields) -> None:
        account = self._account(request, params.token, Permission.CANCEL_ORDERS)
        request.is_relief = True

        def told(answer: BlockAnswer, rows: Sequence[Sequence[int]], position: int) -> list[str]:
            one = answer.one(position)
            if rows[position][0]:
                return [request.refusal(refused_by(one))]
            cancelled = int(one.events["amount"][one.events["kind"] == EventKind.ORDERS_CANCELLED].sum())
            return [request.success(f'{{"count":{cancelled}}}')]

        request.told = told
        self._lane.put(request, (self._record(CommandKind.CANCEL_ALL, account, netuid=NO_NETUID),))

    def _amend_order(self, request: _Request, params: AmendFields) -> None:
        account = self._account(request, params.token, Permission.MODIFY_ORDERS)
        by_id = bool(params.order_id)
        order = self._open_order(account, params.order_id) if by_id else self._named_order(account, params.cl_ord_id)
        pair = self._names.pair_of(order.netuid)
        if (by_id and params.cl_ord_id) or not order.is_limit:
            raise _General
        volume = limit = 0
        if params.order_qty != ABSENT:
            volume = _units(params.order_qty, MAX_AMOUNT // LOT_RAO) * LOT_RAO
            if volume < pair.order_min_rao:
                raise _General
        if params.limit_price != ABSENT:
            limit = _units(params.limit_price, PRICE_MAX_RAO // PRICE_TICK_RAO) * PRICE_TICK_RAO
        if not volume and not limit:
            raise _General
        if not self._limits.engine_call(
            account, order.netuid, amend_cost(request.in_ms - order.opened_ms), request.in_ms
        ):
            raise _General
        named = encode({"order_id": params.order_id} if by_id else {"cl_ord_id": order.cl_ord_id})[1:]

        def told(answer: BlockAnswer, rows: Sequence[Sequence[int]], position: int) -> list[str]:
            one = answer.one(position)
            if rows[position][0]:
                return [request.refusal(amendment_refusal(request.message, order, pair, one))]
            return [request.success(f'{{"amend_id":"{amend_id(amendment_of(one))}",{named}')]

        request.told = told
        record = self._record(CommandKind.AMEND_ORDER, account, order_id=order.seq, amount=volume, limit=limit)
        self._lane.put(request, (record,))

    def _open_order(self, account: int, text: str) -> Order:
        seq = decode_id(ORDER, text)
        order = self._parts.replica.orders.find(account, seq) if seq is not None else None
        if order is None or not order.is_open:
            raise _General
        return order

    def _named_order(self, account: int, text: str) -> Order:
        order = self._parts.replica.orders.find_client_id(account, text) if is_client_order_id(text) else None
        if order is None or not order.is_open:
            raise _General
        return order

    def _count_cancels(self, account: int, orders: Sequence[Order], in_ms: int) -> None:
        for order in orders:
            if not self._limits.engine_call(account, order.netuid, cancel_cost(in_ms - order.opened_ms), in_ms):
                raise _General

    def _cancel_record(self, account: int, seq: int) -> bytes:
        return self._record(CommandKind.CANCEL_ORDER, account, order_id=seq)

    def _record(
        self,
        kind: CommandKind,
        account: int,
        *,
        netuid: int = 0,
        order_id: int = 0,
        amount: int = 0,
        limit: int = 0,
    ) -> bytes:
        number = next(self._numbers)
        return _RECORD.pack(
            kind, 0, netuid, 0, account, 0, 0, 0, order_id, amount, 0, limit, 0, 0, self._series, number, 0
        )


def _figures(fields: OrderFields, pair: Pair) -> tuple[int, int, int]:
    """Return flags, volume in alpha rao and limit of an order, or leave it to the general way."""
    order_type, side = _TYPES.get(fields.order_type), _SIDES.get(fields.side)
    time = _TIMES.get(fields.time_in_force)
    if order_type is None or side is None or time is None:
        raise _General
    userref, name = fields.order_userref, fields.cl_ord_id
    if (userref is not None and not -_INT32 <= userref < _INT32) or (name and not is_client_order_id(name)):
        raise _General
    volume = _units(fields.order_qty, MAX_AMOUNT // LOT_RAO) * LOT_RAO
    if volume < pair.order_min_rao:
        raise _General
    flags = order_type | side
    if not order_type:
        if fields.limit_price != ABSENT or fields.post_only:
            raise _General
        return flags, volume, 0
    if fields.limit_price == ABSENT or (fields.post_only and time):
        raise _General
    limit = _units(fields.limit_price, PRICE_MAX_RAO // PRICE_TICK_RAO) * PRICE_TICK_RAO
    if volume * limit // RAO_PER_WHOLE < pair.cost_min_rao:
        raise _General
    return flags | time | (_POST_ONLY if fields.post_only else 0), volume, limit


def _may_wait(figures: tuple[int, int, int]) -> bool:
    """Tell whether an order may stay open."""
    return figures[0] & (_LIMIT | _AT_ONCE) == _LIMIT


def _units(raw: msgspec.Raw, largest: int) -> int:
    """Return a plain decimal in units of its eighth decimal, 1 to ``largest``, or leave it to the general way."""
    text = bytes(raw)
    if text[:1] == b'"' == text[-1:]:
        text = text[1:-1]
    whole, point, fraction = text.partition(b".")
    is_plain = whole.isdigit() and len(whole) <= _WHOLE_MAX and len(fraction) <= _DECIMALS
    if not is_plain or (point and not fraction.isdigit()):
        raise _General
    units = int(whole + fraction + _PADDING[len(fraction)])
    if not _MIN_LOTS <= units <= largest:
        raise _General
    return units


def _order_result(fields: OrderFields, seq: int) -> str:
    """Return what is told of an order that was placed, JSON."""
    more = f',"cl_ord_id":{encode(fields.cl_ord_id)}' if fields.cl_ord_id else ""
    if fields.order_userref is not None:
        more += f',"order_userref":{fields.order_userref}'
    return f'{{"order_id":"{order_id(seq)}"{more}}}'
