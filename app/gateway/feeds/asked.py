"""Trading requests of the socket as clients mostly send them, typed; another field or type is the general way's."""

from typing import Final

import msgspec

ABSENT: Final = msgspec.Raw(b"")


class OrderFields(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of an order that are seen every day; figures keep the text that was sent."""

    order_type: str
    side: str
    order_qty: msgspec.Raw
    limit_price: msgspec.Raw = ABSENT
    time_in_force: str = "gtc"
    cl_ord_id: str = ""
    order_userref: int | None = None
    post_only: bool = False


class AddFields(OrderFields, forbid_unknown_fields=True, kw_only=True):
    """One order with its market."""

    symbol: str
    token: str


class BatchFields(msgspec.Struct, forbid_unknown_fields=True):
    """Several orders of one market."""

    symbol: str
    token: str
    orders: list[OrderFields]


class CancelFields(msgspec.Struct, forbid_unknown_fields=True):
    """Orders to cancel, by either kind of id."""

    token: str
    order_id: list[str] = []
    cl_ord_id: list[str] = []


class AmendFields(msgspec.Struct, forbid_unknown_fields=True):
    """What an order shall be."""

    token: str
    order_id: str = ""
    cl_ord_id: str = ""
    order_qty: msgspec.Raw = ABSENT
    limit_price: msgspec.Raw = ABSENT


class BatchCancelFields(msgspec.Struct, forbid_unknown_fields=True):
    """Orders to cancel together."""

    token: str
    orders: list[str]


class TokenFields(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing but who asks."""

    token: str


class Asked(msgspec.Struct, tag_field="method", forbid_unknown_fields=True):
    """What every request has."""

    req_id: int | None = None


class AddOrder(Asked, tag="add_order", kw_only=True):
    """``add_order``."""

    params: AddFields


class BatchAdd(Asked, tag="batch_add", kw_only=True):
    """``batch_add``."""

    params: BatchFields


class CancelOrder(Asked, tag="cancel_order", kw_only=True):
    """``cancel_order``."""

    params: CancelFields


class AmendOrder(Asked, tag="amend_order", kw_only=True):
    """``amend_order``."""

    params: AmendFields


class BatchCancel(Asked, tag="batch_cancel", kw_only=True):
    """``batch_cancel``."""

    params: BatchCancelFields


class CancelAll(Asked, tag="cancel_all", kw_only=True):
    """``cancel_all``."""

    params: TokenFields


decoder = msgspec.json.Decoder(AddOrder | BatchAdd | CancelOrder | AmendOrder | BatchCancel | CancelAll)
"""Raises ``msgspec.DecodeError`` for whatever is not one of these, to the last field."""
