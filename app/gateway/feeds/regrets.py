"""What a socket is told where the engine refused something that went the short way: the words of the general way."""

from typing import Any

from app.gateway.feeds.frames import reply_frame
from app.gateway.feeds.requests import (
    amend_fields,
    batch_fields,
    order_fields,
    refusal_reason,
    request_fields,
    socket_error,
)
from app.gateway.feeds.subscription import Reply, read_frame
from app.gateway.folds.orders import Order
from app.gateway.kraken.amends import amend_refusal
from app.gateway.kraken.errors import Refused
from app.gateway.kraken.fields import Fields
from app.gateway.kraken.names import Pair
from app.gateway.kraken.orders import order_refusal
from app.gateway.kraken.tickets import parse_ticket
from app.gateway.parts import Parts
from ledger.engine.api import Answer


def refusal_frame(method: str, req_id: int | None, refused: Refused, *, in_ms: int, out_ms: int) -> str:
    """Return the answer to a request that was refused."""
    reply = Reply(method, req_id, error=socket_error(refused), reason=refusal_reason(refused))
    return reply_frame(reply, in_ms=in_ms, out_ms=out_ms)


def refusal_row(refused: Refused) -> dict[str, Any]:
    """Return what stands in a batch in the place of an order that was refused."""
    return {"error": refused.error, "reason": refused.reason()}


def add_refusal(parts: Parts, message: bytes, in_ms: int, answer: Answer) -> Refused:
    """Return why the engine refused the order of an ``add_order``."""
    return _order_refusal(parts, order_fields(_fields(message)), in_ms, answer)


def batch_refusal(parts: Parts, message: bytes, in_ms: int, place: int, answer: Answer) -> Refused:
    """Return why the engine refused one order of a ``batch_add``."""
    return _order_refusal(parts, batch_fields(_fields(message))[place], in_ms, answer)


def amendment_refusal(message: bytes, order: Order, pair: Pair, answer: Answer) -> Refused:
    """Return why the engine refused an ``amend_order``."""
    return amend_refusal(answer, order, pair, amend_fields(_fields(message)))


def _order_refusal(parts: Parts, fields: Fields, in_ms: int, answer: Answer) -> Refused:
    def find_pair(text: str) -> Pair:
        pair = parts.replica.names.find_pair(text)
        assert pair is not None, "it was found before"
        return pair

    ticket = parse_ticket(fields, find_pair, slippage_ppm=parts.settings.slippage_ppm, now_ms=in_ms)
    return order_refusal(answer, ticket, fields)


def _fields(message: bytes) -> Fields:
    return request_fields(read_frame(message).raw_params)
