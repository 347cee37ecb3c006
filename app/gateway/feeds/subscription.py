"""Who wants what: requests of one socket, checked and turned into streams; pure, the hub does the sending.

Every answer echoes ``req_id``, refusals included, and there is one per symbol, since clients wait by it
(``kraken_api`` section 13).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from app.gateway.auth import ApiKey, Permission
from app.gateway.feeds.channels.book import DEPTH_DEFAULT, DEPTHS
from app.gateway.feeds.channels.ohlc import INTERVAL_DEFAULT, INTERVALS
from app.gateway.kraken import errors

SYMBOLS_MAX: Final = 500
TEXT_SHOWN_MAX: Final = 64
REQ_ID_MAX: Final = 2**64 - 1

NOT_SUPPORTED: Final = "Currency pair not supported"
NAME_INVALID: Final = "Subscription name invalid"
SYMBOL_NOT_ARRAY: Final = "Symbol field must be an array"
DEPTH_NOT_SUPPORTED: Final = "Subscription depth not supported"
INTERVAL_NOT_SUPPORTED: Final = "Subscription ohlc interval not supported"
NOT_FOUND: Final = "Subscription Not Found"
UNKNOWN_METHOD: Final = "EGeneral:Unknown method"
MALFORMED: Final = "EGeneral:Invalid arguments"
TOO_MANY: Final = "EGeneral:Invalid arguments:too many subscriptions"

TICKER: Final = "ticker"
TRADE: Final = "trade"
INSTRUMENT: Final = "instrument"
BOOK: Final = "book"
OHLC: Final = "ohlc"
EXECUTIONS: Final = "executions"
BALANCES: Final = "balances"
PRIVATE: Final = {EXECUTIONS: Permission.QUERY_OPEN_ORDERS, BALANCES: Permission.QUERY_FUNDS}
"""Channels that need a token, and what its key must be allowed."""
TRADES: Final = "trades"
BBO: Final = "bbo"


class Stream(NamedTuple):
    """One thing that can be subscribed: a channel, its symbol (empty where it has none) and a variant.

    The variant of a ticker is its trigger, of a book its depth, of candles their minutes, of a private channel
    the account.
    """

    channel: str
    symbol: str = ""
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One frame of a client that could be read; ``raw_params``: the very text of its parameters."""

    method: str
    params: Mapping[str, Any]
    req_id: int | None
    raw_params: bytes = b"{}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; ``stream`` is what to begin or end once it is sent.

    ``reason`` names the field and the value behind an error; ``beside`` is told instead of a result, not inside it.
    """

    method: str
    req_id: int | None
    result: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    error: str = ""
    symbol: str = ""
    stream: Stream | None = None
    reason: Mapping[str, str] | None = None
    beside: Mapping[str, Any] | None = None


class Unreadable(ValueError):  # noqa: N818 - says what is the matter
    """A frame is not a JSON object of a request; ``req_id`` is echoed where it could be read."""

    def __init__(self, why: str, req_id: int | None = None) -> None:
        super().__init__(why)
        self.req_id = req_id


_OPTIONS: Final = {EXECUTIONS: {"snap_orders": True, "snap_trades": False, "order_status": True}}

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_method = msgspec.json.Decoder(str)
_params = msgspec.json.Decoder(dict[str, Any])
_req_id = msgspec.json.Decoder(int)


def read_frame(frame: str | bytes) -> Asked:
    """Return what a client asks; raises ``Unreadable``."""
    req_id = None
    try:
        members = _members.decode(frame)
        if "req_id" in members and bytes(members["req_id"]) != b"null":
            number = _req_id.decode(members["req_id"])
            if not 0 <= number <= REQ_ID_MAX:
                raise Unreadable(f"{MALFORMED}:req_id")
            req_id = number
        method = _method.decode(members.get("method", msgspec.Raw(b'""')))
        raw_params = bytes(members.get("params", b"{}"))
        params = _params.decode(raw_params)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable(f"{MALFORMED}:{str(error)[:TEXT_SHOWN_MAX]}", req_id) from error
    return Asked(method, params, req_id, raw_params)


FindKey = Callable[[object], ApiKey | None]


def _nobody(_: object) -> ApiKey | None:
    return None


@dataclass(slots=True)
class Subscriptions:
    """The streams of one socket; ``max_rate_count`` is told to those who follow executions."""

    maximum: int
    max_rate_count: int = 0
    streams: set[Stream] = field(default_factory=set)

    def answer(
        self,
        asked: Asked,
        find_symbol: Callable[[str], str | None],
        find_key: FindKey = _nobody,
    ) -> Iterator[Reply]:
        """Yield the answers to a subscribe or unsubscribe; the hub acts on their streams.

        ``find_symbol`` returns the symbol in its right spelling, ``find_key`` the key of a token; None without one.
        """
        channel = asked.params.get("channel", "")
        if channel == INSTRUMENT:
            yield self._one(asked, Stream(INSTRUMENT))
        elif channel in (TICKER, TRADE, BOOK, OHLC):  # a tuple: a client may send what no set can look up
            yield from self._per_symbol(asked, channel, find_symbol)
        elif channel in (EXECUTIONS, BALANCES):
            yield self._private(asked, channel, find_key(asked.params.get("token")))
        else:
            yield Reply(asked.method, asked.req_id, error=NAME_INVALID)

    def _private(self, asked: Asked, channel: str, key: ApiKey | None) -> Reply:
        if key is None:
            return Reply(asked.method, asked.req_id, error=errors.INVALID_SESSION)
        if PRIVATE[channel] not in key.permissions:
            return Reply(asked.method, asked.req_id, error=errors.PERMISSION_DENIED)
        return self._one(asked, Stream(channel, variant=str(key.account)))

    def _per_symbol(self, asked: Asked, channel: str, find_symbol: Callable[[str], str | None]) -> Iterator[Reply]:
        symbols = asked.params.get("symbol")
        if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols) or not symbols:
            yield Reply(asked.method, asked.req_id, error=SYMBOL_NOT_ARRAY)
            return
        if len(symbols) > SYMBOLS_MAX:
            yield Reply(asked.method, asked.req_id, error=TOO_MANY)
            return
        variant, error = _variant(channel, asked.params)
        if error:
            yield Reply(asked.method, asked.req_id, error=error)
            return
        for text in symbols:
            symbol = find_symbol(text)
            if symbol is None:
                shown = text[:TEXT_SHOWN_MAX]
                yield Reply(asked.method, asked.req_id, error=f"{NOT_SUPPORTED} {shown}", symbol=shown)
            else:
                yield self._one(asked, Stream(channel, symbol, variant))

    def _one(self, asked: Asked, stream: Stream) -> Reply:
        """Return the answer for one stream; the result holds only what a subscribe accepts, clients send it again."""
        result: dict[str, Any] = {"channel": stream.channel}
        if stream.symbol:
            result["symbol"] = stream.symbol
        result |= _variant_member(stream)
        if asked.method == "unsubscribe":
            if stream not in self.streams:
                return Reply(asked.method, asked.req_id, error=NOT_FOUND, symbol=stream.symbol)
            self.streams.discard(stream)
            return Reply(asked.method, asked.req_id, result=result, stream=stream)
        if stream not in self.streams and len(self.streams) >= self.maximum:
            return Reply(asked.method, asked.req_id, error=TOO_MANY, symbol=stream.symbol)
        self.streams.add(stream)
        for name, default in _OPTIONS.get(stream.channel, {"snapshot": True}).items():
            chosen = asked.params.get(name, default)
            result[name] = chosen if isinstance(chosen, bool) else default
        if stream.channel == EXECUTIONS and self.max_rate_count:
            result["maxratecount"] = self.max_rate_count
        return Reply(asked.method, asked.req_id, result=result, stream=stream)


def _variant(channel: str, params: Mapping[str, Any]) -> tuple[str, str]:
    """Return the variant that is asked for, and what is wrong with it, one of them empty."""
    if channel == TICKER:
        trigger = params.get("event_trigger", TRADES)
        return (trigger, "") if trigger in (TRADES, BBO) else ("", f"{MALFORMED}:event_trigger")
    if channel == BOOK:
        depth = params.get("depth", DEPTH_DEFAULT)
        return (str(depth), "") if type(depth) is int and depth in DEPTHS else ("", DEPTH_NOT_SUPPORTED)
    if channel == OHLC:
        interval = params.get("interval", INTERVAL_DEFAULT)
        is_known = type(interval) is int and interval in INTERVALS
        return (str(interval), "") if is_known else ("", INTERVAL_NOT_SUPPORTED)
    return "", ""


def _variant_member(stream: Stream) -> dict[str, Any]:
    """Return a stream's variant as the parameter that asks for it."""
    if stream.channel == TICKER:
        return {"event_trigger": stream.variant}
    if stream.channel == BOOK:
        return {"depth": int(stream.variant)}
    return {"interval": int(stream.variant)} if stream.channel == OHLC else {}
