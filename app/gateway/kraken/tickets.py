"""What a client asks for in AddOrder, checked field by field and turned into the engine's figures (section 9).

Pure: every refusal names the field and the value, and none of them reaches the sequencer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from amm.errors import AmmError, TooManyDecimals
from amm.units import parse_decimal
from app.gateway.kraken import errors
from app.gateway.kraken.envelope import lot_text, tao_text
from app.gateway.kraken.errors import Refused, invalid_argument, price_decimals
from app.gateway.kraken.fields import Fields, amount_refusal
from app.gateway.kraken.names import COST_DECIMALS, LOT_DECIMALS, LOT_RAO, PAIR_DECIMALS, PRICE_TICK_RAO, Pair
from ledger.engine.api import Records
from ledger.engine.layout import MAX_AMOUNT, CommandKind, Flag
from ledger.engine.records import body_digest, client_id, command

PRICE_MAX_RAO: Final = 10**15
RAO_PER_WHOLE: Final = 10**9
DEADLINE_MIN_MS: Final = 500
DEADLINE_MAX_MS: Final = 60_000
CL_ORD_ID_FREE_MAX: Final = 18

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_FREE_ID: Final = re.compile(r"[\x21-\x7e]+")
_OFFERED: Final = frozenset({"market", "limit"})
_TIMES: Final = {"gtc": Flag(0), "ioc": Flag.IOC, "fok": Flag.FOK}
_OFLAGS: Final = frozenset({"post", "fciq", "viqc", "nompp"})
_STP: Final = frozenset({"", "cancel-newest", "cancel-oldest", "cancel-both"})


@dataclass(frozen=True, slots=True)
class Ticket:
    """One order as the engine takes it; ``volume`` alpha rao, ``quote`` TAO rao, ``limit`` rao per whole alpha."""

    pair: Pair
    flags: Flag
    volume: int
    quote: int
    limit: int
    slippage_ppm: int
    deadline_ms: int
    userref: int
    cl_ord_id: str

    def to_command(self, account: int, id_text: str) -> tuple[Records, tuple[bytes, ...]]:
        """Return the command and its payloads; ``id_text`` is the client's own id of it, or what stands for one.

        The digest covers what is ordered and not how long the client would wait for it, so that a retry may move its
        deadline. An order that is only validated has no id: it must not use one up.
        """
        figures = (account, self.pair.netuid, int(self.flags), self.volume, self.quote, self.limit, self.userref)
        high, low = (0, 0) if Flag.VALIDATE_ONLY in self.flags else client_id(id_text)
        record = command(
            CommandKind.PLACE_ORDER,
            flags=int(self.flags),
            account=account,
            netuid=self.pair.netuid,
            amount=self.volume,
            tao=self.quote,
            limit=self.limit,
            aux=self.slippage_ppm,
            hold=self.deadline_ms,
            other=self.userref % 2**32,
            payload=1 if self.cl_ord_id else 0,
            id_hi=high,
            id_lo=low,
            digest=body_digest(repr(figures).encode()),
        )
        return record, (self.cl_ord_id.encode(),) if self.cl_ord_id else ()


def parse_ticket(fields: Fields, find_pair: Callable[[str], Pair], *, slippage_ppm: int, now_ms: int) -> Ticket:
    """Return the order of an AddOrder call, or raise ``Refused``."""
    pair = find_pair(fields.required("pair"))
    flags = _side(fields) | _order_type(fields) | _time_in_force(fields) | _oflags(fields)
    _refuse_unoffered(fields)
    if fields.flag("validate"):
        flags |= Flag.VALIDATE_ONLY
    if Flag.IN_QUOTE in flags and flags & (Flag.SELL | Flag.LIMIT):
        raise invalid_argument("viqc", fields.text("oflags"), bound="market buys only")
    if Flag.POST_ONLY in flags and Flag.LIMIT not in flags:
        raise Refused(errors.INVALID_ORDER, "post_only_needs_limit", name="oflags", value=fields.text("oflags"))
    limit = _price(fields, pair) if Flag.LIMIT in flags else 0
    volume, quote = _size(fields, flags)
    _check_minimum(pair, fields.text("volume"), volume=volume, quote=quote, limit=limit)
    return Ticket(
        pair=pair,
        flags=flags,
        volume=volume,
        quote=quote,
        limit=limit,
        slippage_ppm=0 if Flag.LIMIT in flags else slippage_ppm,
        deadline_ms=_deadline(fields, now_ms),
        userref=fields.integer("userref", 0, smallest=-(2**31), largest=2**31 - 1),
        cl_ord_id=parse_client_order_id(fields),
    )


def _side(fields: Fields) -> Flag:
    side = fields.required("type").lower()
    if side not in {"buy", "sell"}:
        raise invalid_argument("type", side, bound="buy or sell")
    return Flag.SELL if side == "sell" else Flag(0)


def _order_type(fields: Fields) -> Flag:
    order_type = fields.required("ordertype").lower()
    if order_type not in _OFFERED:
        raise invalid_argument("ordertype", order_type, code="order_type_unsupported", bound="market or limit")
    return Flag.LIMIT if order_type == "limit" else Flag(0)


def _time_in_force(fields: Fields) -> Flag:
    text = fields.text("timeinforce").lower()
    if not text:
        return Flag(0)
    if text not in _TIMES:
        raise invalid_argument("timeinforce", text, bound="IOC")
    # Without a limit price nothing rests: a market order is immediate whatever its client says.
    return _TIMES[text] if fields.text("ordertype").lower() == "limit" else Flag(0)


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


def _refuse_unoffered(fields: Fields) -> None:
    """Refuse what would change the meaning of the order and is not offered; everything unknown is ignored."""
    leverage = fields.text("leverage", "none").lower()
    if leverage not in {"none", "0", "1"}:
        raise invalid_argument("leverage", leverage, bound="none")
    if fields.flag("reduce_only"):
        raise invalid_argument("leverage", "reduce_only", bound="reduce_only false")
    if fields.text("stptype").lower() not in _STP:
        raise invalid_argument("stptype", fields.text("stptype"))
    for name in ("starttm", "expiretm"):
        if fields.text(name, "0") not in {"0", "+0"}:
            raise invalid_argument(name, fields.text(name), bound="0")
    for name in ("price2", "displayvol"):
        if fields.text(name, "0").strip("0.") != "":
            raise invalid_argument(name, fields.text(name), bound="nothing")
    closing = next((name for name in fields if name.startswith("close[") and fields.text(name)), None)
    if closing is not None:
        raise invalid_argument("close", fields.text(closing), bound="nothing")


def _price(fields: Fields, pair: Pair) -> int:
    """Return the limit price in rao per whole alpha."""
    text = fields.required("price")
    try:
        ticks = parse_decimal(text, decimals=PAIR_DECIMALS, smallest=1, largest=PRICE_MAX_RAO // PRICE_TICK_RAO)
    except TooManyDecimals as error:
        raise price_decimals(pair.key, text, PAIR_DECIMALS) from error
    except AmmError as error:
        raise amount_refusal("price", text, error, decimals=PAIR_DECIMALS) from error
    return ticks * PRICE_TICK_RAO


def _size(fields: Fields, flags: Flag) -> tuple[int, int]:
    """Return ``(alpha rao, TAO rao)``, one of them 0."""
    if Flag.IN_QUOTE in flags:
        return 0, fields.amount("volume", decimals=COST_DECIMALS, largest=MAX_AMOUNT)
    return fields.amount("volume", decimals=LOT_DECIMALS, largest=MAX_AMOUNT // LOT_RAO) * LOT_RAO, 0


def _check_minimum(pair: Pair, shown: str, *, volume: int, quote: int, limit: int) -> None:
    if volume and volume < pair.order_min_rao:
        raise Refused(
            errors.ORDER_MINIMUM, "below_order_minimum", name="volume", value=shown, bound=lot_text(pair.order_min_rao)
        )
    cost = quote or volume * limit // RAO_PER_WHOLE
    if (quote or limit) and cost < pair.cost_min_rao:
        raise Refused(
            errors.COST_MINIMUM, "below_cost_minimum", name="volume", value=shown, bound=tao_text(pair.cost_min_rao)
        )


def _deadline(fields: Fields, now_ms: int) -> int:
    """Return the deadline in ms, 0 without one."""
    text = fields.text("deadline")
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
        deadline_ms = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000)
    except (ValueError, OverflowError) as error:
        raise invalid_argument("deadline", text, bound="RFC 3339") from error
    if deadline_ms <= now_ms:
        raise Refused(errors.DEADLINE, "deadline_passed", name="deadline", value=text)
    if not DEADLINE_MIN_MS <= deadline_ms - now_ms <= DEADLINE_MAX_MS:
        raise invalid_argument("deadline", text, bound="0.5 to 60 s ahead")
    return deadline_ms


def parse_client_order_id(fields: Fields) -> str:
    """Return ``cl_ord_id``: a UUID with or without dashes, or up to 18 visible characters; empty without one."""
    text = fields.text("cl_ord_id")
    if not text:
        return ""
    if _UUID.fullmatch(text) or (len(text) <= CL_ORD_ID_FREE_MAX and _FREE_ID.fullmatch(text)):
        return text
    raise invalid_argument("cl_ord_id", text, bound="a UUID, or up to 18 visible characters")
