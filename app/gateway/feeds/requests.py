"""Trading requests of the socket in the fields of the REST interface, and its refusals in the socket's words.

Numbers keep the text that was sent; an exponent, as Python writes ``1e-05``, is spelled out exactly.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from app.gateway.feeds.subscription import NOT_SUPPORTED, TEXT_SHOWN_MAX
from app.gateway.kraken import errors
from app.gateway.kraken.errors import Refused, invalid_argument
from app.gateway.kraken.fields import Fields, parse_json

_EXPONENT: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,30})?[eE][+-]?[0-9]{1,2}")

_NAMES: Final = {
    "order_type": "ordertype",
    "side": "type",
    "symbol": "pair",
    "limit_price": "price",
    "time_in_force": "timeinforce",
    "order_userref": "userref",
    "display_qty": "displayvol",
    "expire_time": "expiretm",
    "effective_time": "starttm",
    "cl_ord_id": "cl_ord_id",
    "deadline": "deadline",
    "validate": "validate",
    "reduce_only": "reduce_only",
}
_AMENDED: Final = {"order_id": "txid"}
_OF_ORDER: Final = re.compile(r"orders\[(\d{1,3})\]\[(\w+)\](.*)")
_LONG_FORMS: Final = {
    # Clients look for these with or without the blank, by their language: both stand here.
    errors.INSUFFICIENT_FUNDS: "{0} (insufficient user funds); {0}(insufficient user funds)",
    errors.ORDER_MINIMUM: "{0} (volume too low); {0}(volume too low)",
}


def request_fields(raw_params: bytes) -> Fields:
    """Return the parameters as flat text fields; raises ``Malformed``."""
    return Fields({name: _plain(text) for name, text in parse_json(raw_params).items()})


def _plain(text: str) -> str:
    """Return a number with an exponent in plain decimals, anything else as it is."""
    return format(Decimal(text), "f") if _EXPONENT.fullmatch(text) else text


def order_fields(asked: Fields) -> Fields:
    """Return an ``add_order`` as the fields of AddOrder; refuses what would change its meaning and is not offered."""
    fields = {ours: asked.text(theirs) for theirs, ours in _NAMES.items() if asked.text(theirs)}
    if "/" not in fields.get("pair", ""):
        raise Refused(errors.UNKNOWN_PAIR, "unknown_pair", name="symbol", value=asked.text("symbol"))
    flags = ["viqc"] if asked.text("cash_order_qty") else []
    if asked.text("cash_order_qty") and asked.text("order_qty"):
        raise invalid_argument("cash_order_qty", asked.text("cash_order_qty"), bound="not together with order_qty")
    fields["volume"] = asked.text("cash_order_qty") or asked.text("order_qty")
    if asked.flag("post_only"):
        flags.append("post")
    if asked.text("fee_preference", "quote") != "quote":
        flags.append("fcib")
    if flags:
        fields["oflags"] = ",".join(flags)
    if asked.flag("margin"):
        raise invalid_argument("margin", asked.text("margin"), bound="false")
    if asked.text("limit_price_type", "static") != "static":
        raise invalid_argument("limit_price_type", asked.text("limit_price_type"), bound="static")
    name = next((name for name in asked if name.startswith("conditional[")), None)
    if name is not None:
        raise invalid_argument("conditional", asked.text(name), bound="nothing")
    _take_trigger(asked, fields)
    fields["stptype"] = asked.text("stp_type").replace("_", "-")
    return Fields(fields)


def _take_trigger(asked: Fields, fields: dict[str, str]) -> None:
    """Put the trigger of a triggered order where AddOrder has it: before the limit."""
    triggers = {name: asked.text(name) for name in asked if name.startswith("triggers[")}
    if not fields.get("ordertype", "").startswith(("stop-loss", "take-profit")):
        if triggers:
            raise invalid_argument("triggers", next(iter(triggers.values())), bound="triggered orders only")
        return
    if triggers.get("triggers[price_type]", "static") != "static":
        raise invalid_argument("triggers", triggers["triggers[price_type]"], bound="price_type static")
    if "price" in fields:
        fields["price2"] = fields.pop("price")
    fields["price"] = triggers.get("triggers[price]", "")
    fields["trigger"] = triggers.get("triggers[reference]", "last")


def batch_fields(asked: Fields) -> list[Fields]:
    """Return the orders of a ``batch_add``, each as the fields of AddOrder; what is said once holds for all."""
    shared = {name: asked[name] for name in ("symbol", "deadline", "validate") if name in asked}
    found: dict[int, dict[str, str]] = {}
    for name, value in asked.items():
        of_order = _OF_ORDER.fullmatch(name)
        if of_order is not None:
            position, member, rest = of_order.groups()
            found.setdefault(int(position), dict(shared))[member + rest] = value
    return [order_fields(Fields(found[position])) for position in sorted(found)]


def amend_fields(asked: Fields) -> Fields:
    """Return an ``amend_order`` as the fields of AmendOrder."""
    return Fields({_AMENDED.get(name, name): value for name, value in asked.items()})


def edit_fields(asked: Fields, *, is_stop: bool) -> Fields:
    """Return an ``edit_order`` as the fields of EditOrder, whose first price is the trigger of a triggered order."""
    fields = {"txid": asked.text("order_id"), "pair": asked.text("symbol"), "volume": asked.text("order_qty")}
    fields["price2" if is_stop else "price"] = asked.text("limit_price")
    if is_stop:
        fields["price"] = asked.text("triggers[price]")
    fields |= {
        "userref": asked.text("order_userref"),
        "deadline": asked.text("deadline"),
        "validate": asked.text("validate"),
    }
    if "post_only" in asked:
        fields["oflags"] = "fciq,post" if asked.flag("post_only") else "fciq"
    return Fields({name: value for name, value in fields.items() if value})


def socket_error(refused: Refused) -> str:
    """Return a refusal as sockets tell it: the long forms contain the short ones."""
    if refused.error == errors.UNKNOWN_PAIR:
        return f"{NOT_SUPPORTED} {refused.value[:TEXT_SHOWN_MAX]}".rstrip()
    return _LONG_FORMS.get(refused.error, "{0}").format(refused.error)


def refusal_reason(refused: Refused) -> Mapping[str, str]:
    """Return the field and value behind a refusal, as REST tells them."""
    return refused.reason()
