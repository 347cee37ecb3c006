"""Trading requests of one socket, each with a token of its own, done by the methods of REST."""

import secrets
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Final

from app.gateway.auth import ApiKey, Caller, Permission
from app.gateway.feeds.requests import (
    amend_fields,
    batch_fields,
    edit_fields,
    order_fields,
    refusal_reason,
    request_fields,
    socket_error,
)
from app.gateway.feeds.subscription import UNKNOWN_METHOD, Asked, Reply
from app.gateway.kraken import amends, batches, errors, orders
from app.gateway.kraken.calls import PrivateCall
from app.gateway.kraken.errors import Refused, invalid_argument, malformed
from app.gateway.kraken.fields import Fields, Malformed
from app.gateway.kraken.ids import ORDER, decode_id
from app.gateway.kraken.render import amend_id, order_id
from app.gateway.parts import Parts
from app.observability import get_logger

CANCELS_MAX: Final = 50
TOP_LEVEL: Final = ""
"""The name under which a result holds what is told beside ``result`` and not in it."""
# Nonces of REST are below 2**64: ids made from these can never be the same.
_FIRST_NUMBER: Final = 2**64
_SESSION_BITS: Final = 128
_COUNT_BITS: Final = 64

Results = list["Result"]
Result = dict[str, Any] | list[dict[str, Any]] | Refused


class Session:
    """What one socket may do with its tokens; every request counts as one call with its own number."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._log = get_logger("gateway")
        first = _FIRST_NUMBER + (secrets.randbits(_SESSION_BITS) << _COUNT_BITS)
        self._numbers = count(first)
        self._methods: dict[str, tuple[Permission, Callable[[PrivateCall], Awaitable[Results]]]] = {
            "add_order": (Permission.MODIFY_ORDERS, _add_order),
            "amend_order": (Permission.MODIFY_ORDERS, _amend_order),
            "edit_order": (Permission.MODIFY_ORDERS, _edit_order),
            "batch_add": (Permission.MODIFY_ORDERS, _batch_add),
            "cancel_order": (Permission.CANCEL_ORDERS, self._cancel_order),
            "batch_cancel": (Permission.CANCEL_ORDERS, _batch_cancel),
            "cancel_all": (Permission.CANCEL_ORDERS, _cancel_all),
            "cancel_all_orders_after": (Permission.CANCEL_ORDERS, _cancel_all_after),
        }

    def knows(self, method: str) -> bool:
        """Tell whether a method is a trading request."""
        return method in self._methods

    def find_key(self, token: object) -> ApiKey | None:
        """Return the key of a good token, which dies with the key."""
        key = self._parts.tokens.find(token, self._parts.now_ms()) if isinstance(token, str) else None
        return self._parts.replica.find_key(key.key) if key is not None else None

    async def answer(self, asked: Asked) -> list[Reply]:
        """Return the answers to a trading request, one per order that it names."""
        try:
            results = await self._results(asked)
        except Refused as refused:
            results = [refused]
        except Exception:  # noqa: BLE001 - a bug of ours is told as one, and the socket goes on
            self._log.exception("a request failed", method=asked.method)
            results = [Refused(errors.INTERNAL_ERROR, "internal_error")]
        return [_reply(asked, result) for result in results]

    async def _results(self, asked: Asked) -> Results:
        if not self.knows(asked.method):
            raise Refused(UNKNOWN_METHOD, "unknown_method", name="method", value=asked.method)
        permission, method = self._methods[asked.method]
        key = self.find_key(asked.params.get("token"))
        if key is None:
            raise Refused(errors.INVALID_SESSION, "invalid_session", name="token")
        if permission not in key.permissions:
            raise Refused(
                errors.PERMISSION_DENIED, "permission_denied", name="permission", value=(permission.name or "").lower()
            )
        try:
            fields = request_fields(asked.raw_params)
        except Malformed as error:
            raise malformed(str(error)) from error
        return await method(self._call(key, fields))

    def _call(self, key: ApiKey, fields: Fields) -> PrivateCall:
        return PrivateCall(self._parts, fields, self._parts.now_ms(), Caller(key, next(self._numbers)))

    async def _cancel_order(self, call: PrivateCall) -> Results:
        named = [(name, text) for name in _CANCELS for text in call.fields.words(name)]
        if not named:
            raise invalid_argument("order_id", "", code="missing_field")
        if len(named) > CANCELS_MAX:
            raise invalid_argument("order_id", str(len(named)), code="too_many", bound=str(CANCELS_MAX))
        return [await self._cancel_one(call, name, text) for name, text in named]

    async def _cancel_one(self, call: PrivateCall, name: str, text: str) -> Result:
        """Cancel by one id of any kind; a refusal answers for this one alone."""
        try:
            if name == "order_id" and decode_id(ORDER, text) is None:
                raise orders.unknown_order(name, text)
            await orders.cancel_order(self._call(call.caller.api_key, Fields({_CANCELS[name]: text})))
        except Refused as refused:
            return refused
        return {name: int(text) if name == "order_userref" else text}


_CANCELS: Final = {"order_id": "txid", "cl_ord_id": "cl_ord_id", "order_userref": "txid"}
"""How a cancel may name orders, and the field of CancelOrder that takes it."""


async def _cancel_all(call: PrivateCall) -> Results:
    return [dict(await batches.cancel_all(call))]


async def _cancel_all_after(call: PrivateCall) -> Results:
    return [dict(await batches.cancel_all_after(call))]


async def _batch_cancel(call: PrivateCall) -> Results:
    fields = {f"orders[{position}]": text for position, text in enumerate(call.fields.words("orders"))}
    fields |= {f"cl_ord_ids[{position}]": text for position, text in enumerate(call.fields.words("cl_ord_id"))}
    told = await batches.cancel_order_batch(_with(call, Fields(fields)))
    return [{TOP_LEVEL: {"orders_cancelled": told["count"]}}]


async def _batch_add(call: PrivateCall) -> Results:
    bodies = batch_fields(call.fields)
    placed = await batches.place_all(call, bodies)
    told = []
    for body, row in zip(bodies, placed, strict=True):
        if "error" in row:
            told.append({"error": row["error"], "reason": row["reason"]})
        else:
            told.append(_placed(row.get("txid", ""), body))
    return [told]


async def _add_order(call: PrivateCall) -> Results:
    fields = order_fields(call.fields)
    told = await orders.add_order(_with(call, fields))
    return [_placed(told["txid"][0] if "txid" in told else "", fields)]


def _placed(text: str, fields: Fields) -> dict[str, Any]:
    """Return what is told of an order that was placed, or (no id) only validated."""
    result: dict[str, Any] = {"order_id": text} if text else {}
    if fields.text("cl_ord_id"):
        result["cl_ord_id"] = fields.text("cl_ord_id")
    if fields.text("userref"):
        result["order_userref"] = fields.integer("userref", 0, smallest=-(2**31))
    return result


async def _amend_order(call: PrivateCall) -> Results:
    amending = _with(call, amend_fields(call.fields))
    order = amends.find_one(amending)
    told = {"amend_id": amend_id(await amends.amend(amending, order))}
    if call.fields.text("order_id"):
        return [told | {"order_id": order_id(order.seq)}]
    return [told | {"cl_ord_id": order.cl_ord_id}]


async def _edit_order(call: PrivateCall) -> Results:
    order = amends.find_one(_with(call, Fields({"txid": call.fields.text("order_id")})))
    told = await amends.edit_order(_with(call, edit_fields(call.fields, is_stop=order.is_stop)))
    result = {"original_order_id": told["originaltxid"]}
    return [{"order_id": told["txid"], **result} if "txid" in told else result]


def _with(call: PrivateCall, fields: Fields) -> PrivateCall:
    """Return the same call with other fields."""
    return PrivateCall(call.parts, fields, call.now_ms, call.caller)


def _reply(asked: Asked, result: Result) -> Reply:
    if isinstance(result, Refused):
        return Reply(asked.method, asked.req_id, error=socket_error(result), reason=refusal_reason(result))
    if isinstance(result, dict) and TOP_LEVEL in result:
        return Reply(asked.method, asked.req_id, beside=result[TOP_LEVEL])
    return Reply(asked.method, asked.req_id, result=result)
