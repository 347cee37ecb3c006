"""What a client asks for in AddOrder, checked field by field and turned into the engine's figures (section 9).

Pure: every refusal names the field and the value, and none of them reaches the sequencer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.gateway.folds.fills import order_type
from app.gateway.kraken import errors
from app.gateway.kraken.envelope import lot_text, tao_text
from app.gateway.kraken.errors import Refused, invalid_argument
from app.gateway.kraken.fields import Fields
from app.gateway.kraken.moments import parse_expiry, parse_moment
from app.gateway.kraken.names import COST_DECIMALS, LOT_DECIMALS, LOT_RAO, Pair
from app.gateway.kraken.prices import parse_price
from ledger.engine.layout import MAX_AMOUNT, CommandKind, Flag, Records, Trait
from ledger.engine.records import body_digest, client_id, command

RAO_PER_WHOLE: Final = 10**9
DEADLINE_MIN_MS: Final = 500
DEADLINE_MAX_MS: Final = 60_000
CL_ORD_ID_FREE_MAX: Final = 18

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_FREE_ID: Final = re.compile(r"[\x21-\x7e]+")
_OFFERED: Final = {
    "market": (Flag(0), Trait(0)),
    "limit": (Flag.LIMIT, Trait(0)),
    "stop-loss": (Flag(0), Trait.STOP_LOSS),
    "stop-loss-limit": (Flag.LIMIT, Trait.STOP_LOSS),
    "take-profit": (Flag(0), Trait.TAKE_PROFIT),
    "take-profit-limit": (Flag.LIMIT, Trait.TAKE_PROFIT),
}
_TIMES: Final = {"gtc": Flag(0), "gtd": Flag(0), "ioc": Flag.IOC, "fok": Flag.FOK}
_OFLAGS: Final = frozenset({"post", "fciq", "viqc", "nompp"})
_STP: Final = {
    "": Trait(0),
    "cancel-newest": Trait(0),
    "cancel-oldest": Trait.STP_OLDEST,
    "cancel-both": Trait.STP_BOTH,
}
_TRIGGERS: Final = {"": Trait(0), "last": Trait(0), "index": Trait.ON_INDEX}
_STOPS: Final = Trait.STOP_LOSS | Trait.TAKE_PROFIT


@dataclass(frozen=True, slots=True)
class Ticket:
    """One order as the engine takes it; ``volume`` alpha rao, ``quote`` TAO rao, prices rao per whole alpha.

    ``expires_s`` in seconds since 1970, 0 for never; ``expiry_text`` is what the client wrote for it.
    """

    pair: Pair
    flags: Flag
    traits: Trait
    volume: int
    quote: int
    limit: int
    trigger: int
    slippage_ppm: int
    expires_s: int
    deadline_ms: int
    userref: int
    cl_ord_id: str
    expiry_text: str = ""

    @property
    def ordertype(self) -> str:
        """Return the order type as clients name it."""
        return order_type(self.flags, self.traits)

    @property
    def may_wait(self) -> bool:
        """Tell whether the order may stay open: in the book, or for its trigger."""
        lasts = Flag.LIMIT in self.flags and not self.flags & (Flag.IOC | Flag.FOK)
        return lasts or bool(self.traits & _STOPS)

    def to_command(self, account: int, id_text: str) -> tuple[Records, tuple[bytes, ...]]:
        """Return the command and its payloads; ``id_text`` is the client's own id of it, or what stands for one.

        The digest covers what is ordered and not how long the client would wait for it, so that a retry may move its
        deadline. An order that is only validated has no id: it must not use one up.
        """
        high, low = (0, 0) if Flag.VALIDATE_ONLY in self.flags else client_id(id_text)
        record = command(
            CommandKind.PLACE_ORDER,
            flags=int(self.flags),
            account=account,
            netuid=self.pair.netuid,
            traits=int(self.traits),
            alpha_rao=self.volume,
            tao_rao=self.quote,
            limit=self.limit,
            trigger=self.trigger,
            slippage_ppm=self.slippage_ppm,
            expires_s=self.expires_s,
            deadline=self.deadline_ms,
            userref=self.userref % 2**32,
            payload=1 if self.cl_ord_id else 0,
            id_hi=high,
            id_lo=low,
            digest=ticket_digest(
                account,
                self.pair.netuid,
                self.flags,
                self.traits,
                self.volume,
                self.quote,
                self.limit,
                self.trigger,
                self.userref,
                self.expiry_text,
            ),
        )
        return record, (self.cl_ord_id.encode(),) if self.cl_ord_id else ()


def ticket_digest(
    account: int,
    netuid: int,
    flags: int,
    traits: int,
    volume: int,
    quote: int,
    limit: int,
    trigger: int,
    userref: int,
    expiry_text: str,
) -> int:
    """Return the word by which two orders under one ``cl_ord_id`` are told apart."""
    figures = (account, netuid, int(flags), int(traits), volume, quote, limit, trigger, userref, expiry_text)
    return body_digest(repr(figures).encode())


def parse_ticket(fields: Fields, find_pair: Callable[[str], Pair], *, slippage_ppm: int, now_ms: int) -> Ticket:
    """Return the order of an AddOrder call, or raise ``Refused``."""
    pair = find_pair(fields.required("pair"))
    flags, traits = _order_type(fields)
    flags |= _side(fields) | _time_in_force(fields, flags) | _oflags(fields)
    traits |= _self_trade(fields) | _trigger_on(fields, traits)
    _refuse_unoffered(fields, flags, traits)
    if fields.flag("validate"):
        flags |= Flag.VALIDATE_ONLY
    if Flag.IN_QUOTE in flags and (flags & (Flag.SELL | Flag.LIMIT) or traits & _STOPS):
        raise invalid_argument("viqc", fields.text("oflags"), bound="market buys only")
    _check_post_only(fields, flags, traits)
    trigger = parse_price(fields, "price", pair) if traits & _STOPS else 0
    limit = parse_price(fields, "price2" if trigger else "price", pair) if Flag.LIMIT in flags else 0
    volume, quote = _size(fields, flags)
    _check_minimum(pair, fields.text("volume"), volume=volume, quote=quote, price=limit or trigger)
    return Ticket(
        pair=pair,
        flags=flags,
        traits=traits,
        volume=volume,
        quote=quote,
        limit=limit,
        trigger=trigger,
        slippage_ppm=0 if Flag.LIMIT in flags else slippage_ppm,
        expires_s=_expiry(fields, flags, traits, now_ms),
        deadline_ms=parse_deadline(fields, now_ms),
        userref=fields.integer("userref", 0, smallest=-(2**31), largest=2**31 - 1),
        cl_ord_id=parse_client_order_id(fields),
        expiry_text=fields.text("expiretm", "0"),
    )


def _side(fields: Fields) -> Flag:
    side = fields.required("type").lower()
    if side not in {"buy", "sell"}:
        raise invalid_argument("type", side, bound="buy or sell")
    return Flag.SELL if side == "sell" else Flag(0)


def _order_type(fields: Fields) -> tuple[Flag, Trait]:
    text = fields.required("ordertype").lower()
    if text not in _OFFERED:
        raise invalid_argument("ordertype", text, code="order_type_unsupported", bound=", ".join(_OFFERED))
    return _OFFERED[text]


def _time_in_force(fields: Fields, flags: Flag) -> Flag:
    text = fields.text("timeinforce").lower()
    if not text:
        return Flag(0)
    if text not in _TIMES:
        raise invalid_argument("timeinforce", text, bound="GTC, IOC, GTD or FOK")
    # Without a limit price nothing rests: a market order is immediate whatever its client says.
    return _TIMES[text] if Flag.LIMIT in flags else Flag(0)


def _oflags(fields: Fields) -> Flag:
    words = {word.lower() for word in fields.words("oflags")}
    unknown = sorted(words - _OFLAGS)
    if unknown:
        raise invalid_argument("oflags", unknown[0], bound="fees are taken in quote: fciq")
    flags = Flag(0)
    if "post" in words:
        flags |= Flag.POST_ONLY
    if "viqc" in words:
        flags |= Flag.IN_QUOTE
    return flags


def _check_post_only(fields: Fields, flags: Flag, traits: Trait) -> None:
    """Refuse a post-only order of a kind that could never rest."""
    if Flag.POST_ONLY not in flags:
        return
    shown = fields.text("oflags")
    if Flag.LIMIT not in flags or traits & _STOPS:
        raise Refused(errors.INVALID_ORDER, "post_only_needs_limit", name="oflags", value=shown)
    if flags & (Flag.IOC | Flag.FOK):
        raise Refused(
            errors.INVALID_ORDER, "post_only_needs_time", name="oflags", value=shown, bound="timeinforce GTC or GTD"
        )


def _self_trade(fields: Fields) -> Trait:
    text = fields.text("stptype").lower()
    if text not in _STP:
        raise invalid_argument("stptype", text, bound="cancel-newest, cancel-oldest or cancel-both")
    return _STP[text]


def _trigger_on(fields: Fields, traits: Trait) -> Trait:
    """Return which price a trigger follows; only triggered orders may say."""
    text = fields.text("trigger").lower()
    if text not in _TRIGGERS or (text and not traits & _STOPS):
        raise invalid_argument("trigger", text, bound="last or index, for triggered orders")
    return _TRIGGERS[text]


def _refuse_unoffered(fields: Fields, flags: Flag, traits: Trait) -> None:
    """Refuse what would change the meaning of the order and is not offered; everything unknown is ignored."""
    leverage = fields.text("leverage", "none").lower()
    if leverage not in {"none", "0", "1"}:
        raise invalid_argument("leverage", leverage, bound="none")
    if fields.flag("reduce_only"):
        raise invalid_argument("leverage", "reduce_only", bound="reduce_only false")
    if fields.text("starttm", "0") not in {"0", "+0"}:
        raise invalid_argument("starttm", fields.text("starttm"), bound="0")
    two_prices = Flag.LIMIT in flags and traits & _STOPS
    for name in ("displayvol",) if two_prices else ("price2", "displayvol"):
        if fields.text(name, "0").strip("0.") != "":
            raise invalid_argument(name, fields.text(name), bound="nothing")
    closing = next((name for name in fields if name.startswith("close[") and fields.text(name)), None)
    if closing is not None:
        raise invalid_argument("close", fields.text(closing), bound="nothing")


def _expiry(fields: Fields, flags: Flag, traits: Trait, now_ms: int) -> int:
    """Return until when the order is good, s since 1970, 0 for ever; GTD needs it, what never rests has none."""
    text = fields.text("expiretm", "0")
    is_timed = fields.text("timeinforce").lower() == "gtd" and Flag.LIMIT in flags
    if text in {"0", "+0"}:
        if is_timed:
            raise invalid_argument("expiretm", text, code="missing_field", bound="a time, for GTD")
        return 0
    if flags & (Flag.IOC | Flag.FOK) or not (Flag.LIMIT in flags or traits & _STOPS):
        raise invalid_argument("expiretm", text, bound="0, for orders that do not wait")
    return parse_expiry("expiretm", text, now_ms)


def _size(fields: Fields, flags: Flag) -> tuple[int, int]:
    """Return ``(alpha rao, TAO rao)``, one of them 0."""
    if Flag.IN_QUOTE in flags:
        return 0, fields.amount("volume", decimals=COST_DECIMALS, largest=MAX_AMOUNT)
    return fields.amount("volume", decimals=LOT_DECIMALS, largest=MAX_AMOUNT // LOT_RAO) * LOT_RAO, 0


def _check_minimum(pair: Pair, shown: str, *, volume: int, quote: int, price: int) -> None:
    if volume and volume < pair.order_min_rao:
        raise below_minimum(pair, "volume", shown)
    cost = quote or volume * price // RAO_PER_WHOLE
    if (quote or price) and cost < pair.cost_min_rao:
        raise Refused(
            errors.COST_MINIMUM, "below_cost_minimum", name="volume", value=shown, bound=tao_text(pair.cost_min_rao)
        )


def below_minimum(pair: Pair, name: str, shown: str) -> Refused:
    """Return the refusal of a volume below the pair's minimum."""
    bound = lot_text(pair.order_min_rao)
    return Refused(errors.ORDER_MINIMUM, "below_order_minimum", name=name, value=shown, bound=bound)


def parse_deadline(fields: Fields, now_ms: int) -> int:
    """Return the deadline in ms, 0 without one."""
    text = fields.text("deadline")
    if not text:
        return 0
    deadline_ms = parse_moment(text)
    if deadline_ms is None:
        raise invalid_argument("deadline", text, bound="RFC 3339")
    if deadline_ms <= now_ms:
        raise Refused(errors.DEADLINE, "deadline_passed", name="deadline", value=text)
    if not DEADLINE_MIN_MS <= deadline_ms - now_ms <= DEADLINE_MAX_MS:
        raise invalid_argument("deadline", text, bound="0.5 to 60 s ahead")
    return deadline_ms


def parse_client_order_id(fields: Fields) -> str:
    """Return ``cl_ord_id``: a UUID with or without dashes, or up to 18 visible characters; empty without one."""
    text = fields.text("cl_ord_id")
    if not text or is_client_order_id(text):
        return text
    raise invalid_argument("cl_ord_id", text, bound="a UUID, or up to 18 visible characters")


def is_client_order_id(text: str) -> bool:
    """Tell whether a text may be a ``cl_ord_id``."""
    return bool(_UUID.fullmatch(text) or (len(text) <= CL_ORD_ID_FREE_MAX and _FREE_ID.fullmatch(text)))
