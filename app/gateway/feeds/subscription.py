"""Who wants what: requests of one socket, checked and turned into streams; pure, the hub does the sending.

Every answer echoes ``req_id``, refusals included, and there is one per symbol, since clients wait by it
(``kraken_api`` section 13).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

SYMBOLS_MAX: Final = 500
TEXT_SHOWN_MAX: Final = 64
_REQ_ID_MAX: Final = 2**64 - 1

NOT_SUPPORTED: Final = "Currency pair not supported"
NAME_INVALID: Final = "Subscription name invalid"
SYMBOL_NOT_ARRAY: Final = "Symbol field must be an array"
NOT_FOUND: Final = "Subscription Not Found"
UNKNOWN_METHOD: Final = "EGeneral:Unknown method"
MALFORMED: Final = "EGeneral:Invalid arguments"
TOO_MANY: Final = "EGeneral:Invalid arguments:too many subscriptions"

TICKER: Final = "ticker"
TRADE: Final = "trade"
INSTRUMENT: Final = "instrument"
TRADES: Final = "trades"
BBO: Final = "bbo"


class Stream(NamedTuple):
    """One thing that can be subscribed: a channel, its symbol (empty where it has none) and a variant."""

    channel: str
    symbol: str = ""
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One frame of a client that could be read."""

    method: str
    params: Mapping[str, Any]
    req_id: int | None


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; ``stream`` is what to begin (``with_snapshot``) or end once it is sent."""

    method: str
    req_id: int | None
    result: Mapping[str, Any] | None = None
    error: str = ""
    symbol: str = ""
    stream: Stream | None = None
    with_snapshot: bool = False


class Unreadable(ValueError):  # noqa: N818 - says what is the matter
    """A frame is not a JSON object of a request; ``req_id`` is echoed where it could be read."""

    def __init__(self, why: str, req_id: int | None = None) -> None:
        super().__init__(why)
        self.req_id = req_id


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
            if not 0 <= number <= _REQ_ID_MAX:
                raise Unreadable(f"{MALFORMED}:req_id")
            req_id = number
        method = _method.decode(members.get("method", msgspec.Raw(b'""')))
        params = _params.decode(members.get("params", msgspec.Raw(b"{}")))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable(f"{MALFORMED}:{str(error)[:TEXT_SHOWN_MAX]}", req_id) from error
    return Asked(method, params, req_id)


@dataclass(slots=True)
class Subscriptions:
    """The streams of one socket."""

    maximum: int
    streams: set[Stream] = field(default_factory=set)

    def answer(self, asked: Asked, find_symbol: Callable[[str], str | None]) -> Iterator[Reply]:
        """Yield the answers to a subscribe or unsubscribe; the hub acts on their streams.

        ``find_symbol`` returns the symbol in its right spelling, or None.
        """
        channel = asked.params.get("channel", "")
        if channel == INSTRUMENT:
            yield self._one(asked, Stream(INSTRUMENT))
        elif channel in (TICKER, TRADE):  # a tuple: a client may send what no set can look up
            yield from self._per_symbol(asked, channel, find_symbol)
        else:
            yield Reply(asked.method, asked.req_id, error=NAME_INVALID)

    def _per_symbol(self, asked: Asked, channel: str, find_symbol: Callable[[str], str | None]) -> Iterator[Reply]:
        symbols = asked.params.get("symbol")
        if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols) or not symbols:
            yield Reply(asked.method, asked.req_id, error=SYMBOL_NOT_ARRAY)
            return
        if len(symbols) > SYMBOLS_MAX:
            yield Reply(asked.method, asked.req_id, error=TOO_MANY)
            return
        variant = str(asked.params.get("event_trigger", TRADES)) if channel == TICKER else ""
        if variant not in {"", TRADES, BBO}:
            yield Reply(asked.method, asked.req_id, error=f"{MALFORMED}:event_trigger")
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
        if stream.variant:
            result["event_trigger"] = stream.variant
        if asked.method == "unsubscribe":
            if stream not in self.streams:
                return Reply(asked.method, asked.req_id, error=NOT_FOUND, symbol=stream.symbol)
            self.streams.discard(stream)
            return Reply(asked.method, asked.req_id, result=result, stream=stream)
        if stream not in self.streams and len(self.streams) >= self.maximum:
            return Reply(asked.method, asked.req_id, error=TOO_MANY, symbol=stream.symbol)
        self.streams.add(stream)
        with_snapshot = asked.params.get("snapshot", True) is not False
        result["snapshot"] = with_snapshot
        return Reply(asked.method, asked.req_id, result=result, stream=stream, with_snapshot=with_snapshot)
