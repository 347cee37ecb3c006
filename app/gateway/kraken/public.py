"""Public methods: what is listed, what it costs, what was traded (``kraken_api`` section 7)."""

from collections.abc import Iterator, Mapping
from email.utils import formatdate
from typing import Any, Final

from amm.units import format_decimal
from app.gateway.folds.trades import Trade, trade_of_row
from app.gateway.kraken import errors
from app.gateway.kraken.books import Books, Ticker
from app.gateway.kraken.calls import Call, Handler
from app.gateway.kraken.depth import Level
from app.gateway.kraken.envelope import alpha_text, lot_text, number, price_text, rfc3339, seconds, tao_text
from app.gateway.kraken.errors import Refused, invalid_argument
from app.gateway.kraken.fees import maker_ppm, taker_ppm
from app.gateway.kraken.names import (
    COST_DECIMALS,
    DISPLAY_DECIMALS,
    LOT_DECIMALS,
    LOT_RAO,
    PAIR_DECIMALS,
    PAIRS_ASKED_MAX,
    QUOTE,
    TAO_DECIMALS,
    Pair,
    result_key,
)
from app.projections.pages import PAGE_MAX, Window
from ledger.engine.views import MarketView, TierView

TRADES_MAX: Final = 1_000
DEPTH_DEFAULT: Final = 100
DEPTH_MAX: Final = 500
# A Trades ``since`` above this is in nanoseconds, below in seconds.
NANOSECONDS_FROM: Final = 10**15
_PPM_PER_PERCENT: Final = 10_000


class Public:
    """The public methods over one set of books."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def methods(self) -> Mapping[str, Handler]:
        """Return every method by name."""
        return {
            "Time": self.time,
            "SystemStatus": self.system_status,
            "Assets": self.assets,
            "AssetPairs": self.asset_pairs,
            "Ticker": self.ticker,
            "Depth": self.depth,
            "Trades": self.trades,
        }

    async def time(self, call: Call) -> dict[str, Any]:
        """Return the server's time."""
        return {"unixtime": call.now_ms // 1_000, "rfc1123": formatdate(call.now_ms / 1_000, usegmt=True)}

    async def system_status(self, call: Call) -> dict[str, Any]:
        """Return whether the exchange trades."""
        return {"status": system_status(call), "timestamp": rfc3339(call.now_ms)}

    async def assets(self, call: Call) -> dict[str, Any]:
        """Return all assets, or those asked for."""
        asked = call.fields.words("asset")
        chosen = [call.asset(text) for text in asked[:PAIRS_ASKED_MAX]] if asked else call.names.assets
        return {
            asset.id: {
                "aclass": "currency",
                "altname": asset.id,
                "decimals": asset.decimals,
                "display_decimals": DISPLAY_DECIMALS,
                "status": asset.status,
            }
            for asset in chosen
        }

    async def asset_pairs(self, call: Call) -> dict[str, Any]:
        """Return all pairs, or those asked for; delisted ones stay listed with their status."""
        return {key: self._pair_object(call, pair) for key, pair in _asked_pairs(call)}

    def _pair_object(self, call: Call, pair: Pair) -> dict[str, Any]:
        market = call.replica.market(pair.netuid, call.now_ms)
        taker, maker = (market.taker_ppm, market.maker_ppm) if market is not None else (0, 0)
        tiers = call.replica.reads.tiers()
        return {
            "altname": pair.key,
            "wsname": pair.wsname,
            "aclass_base": "currency",
            "base": pair.base,
            "aclass_quote": "currency",
            "quote": QUOTE,
            "lot": "unit",
            "cost_decimals": COST_DECIMALS,
            "pair_decimals": PAIR_DECIMALS,
            "lot_decimals": LOT_DECIMALS,
            "lot_multiplier": 1,
            "leverage_buy": [],
            "leverage_sell": [],
            "fees": [_fee_row(tier, taker_ppm(taker, tier)) for tier in tiers],
            "fees_maker": [_fee_row(tier, maker_ppm(taker, maker, tier)) for tier in tiers],
            "fee_volume_currency": QUOTE,
            "margin_call": 80,
            "margin_stop": 40,
            "ordermin": lot_text(pair.order_min_rao),
            "costmin": tao_text(pair.cost_min_rao),
            "tick_size": f"{'0.':0<{PAIR_DECIMALS + 1}}1",
            "status": pair_status(pair, market),
            "long_position_limit": 0,
            "short_position_limit": 0,
        }

    async def ticker(self, call: Call) -> dict[str, Any]:
        """Return the tickers of all pairs, or of those asked for; a pair without a pool has none."""
        told = {}
        for key, pair in _asked_pairs(call):
            ticker = self._books.ticker(pair.netuid, call.now_ms)
            if ticker is not None:
                told[key] = _ticker_object(ticker)
        return told

    async def depth(self, call: Call) -> dict[str, Any]:
        """Return the order book of one pair."""
        asked = call.fields.required("pair")
        pair = call.pair(asked)
        count = call.fields.integer("count", DEPTH_DEFAULT, smallest=1, largest=DEPTH_MAX)
        depth = self._books.depth(pair.netuid, count, call.now_ms)
        at = call.now_ms // 1_000
        return {
            result_key(pair, asked): {
                "asks": [_level_row(level, at) for level in depth.asks],
                "bids": [_level_row(level, at) for level in depth.bids],
            }
        }

    async def trades(self, call: Call) -> dict[str, Any]:
        """Return public trades after ``since`` (seconds or nanoseconds), oldest first; the newest ones without it."""
        asked = call.fields.required("pair")
        pair = call.pair(asked)
        count = call.fields.integer("count", TRADES_MAX, smallest=1, largest=TRADES_MAX)
        since = call.fields.text("since")
        ring = call.replica.history(pair.netuid).trades
        if since:
            after_ns = _since_ns(since)
            rows = (await _trades_after(call, pair.netuid, after_ns))[:count]
            last = str(trade_ns(rows[-1])) if rows else f"{after_ns:019d}"
        else:
            rows = list(ring)[-count:]
            last = str(trade_ns(rows[-1])) if rows else f"{call.now_ms * 1_000_000:019d}"
        return {result_key(pair, asked): [_trade_row(trade) for trade in rows], "last": last}


def trade_ns(trade: Trade) -> int:
    """Return a time in ns that is unique per trade of one market: its millisecond, then its seq."""
    return trade.ts_ms * 1_000_000 + trade.seq % 1_000_000


async def _trades_after(call: Call, netuid: int, after_ns: int) -> list[Trade]:
    """Return the first trades after a time, at least a page where there are so many: older ones from history."""
    ring = list(call.replica.history(netuid).trades)
    newer = [trade for trade in ring if trade_ns(trade) > after_ns]
    if len(newer) < len(ring) or not ring or ring[0].trade_id == 1:
        return newer
    reads, first = call.parts.history, ring[0].seq
    await reads.reached(first - 1, ("trades",))
    window = Window(before=first, since_ms=after_ns // 1_000_000, limit=PAGE_MAX, oldest_first=True)
    rows = (await reads.trades(netuid, window)).rows
    older = [trade for row in rows if trade_ns(trade := trade_of_row(row)) > after_ns]
    return older + newer if len(rows) < PAGE_MAX else older


def _since_ns(text: str) -> int:
    whole, _, fraction = text.partition(".")
    if not (whole.isascii() and whole.isdigit() and len(text) <= 32 and (not fraction or fraction.isdigit())):
        raise invalid_argument("since", text)
    since = int(whole)
    if since >= NANOSECONDS_FROM:
        return min(since, 10**19 - 1)
    return since * 10**9 + int(fraction[:9].ljust(9, "0") or "0")


def system_status(call: Call) -> str:
    """Return ``online``, or ``cancel_only`` while money movement is halted."""
    return "cancel_only" if call.replica.reads.halts().money else "online"


def pair_status(pair: Pair, market: MarketView | None) -> str:
    """Return a pair's status; one that never saw its pool is still being worked on."""
    if market is None or market.mirror_tao <= 0:
        return "work_in_progress" if pair.status == "online" else pair.status
    return pair.status


def _asked_pairs(call: Call) -> Iterator[tuple[str, Pair]]:
    asked = call.fields.words("pair")
    if len(asked) > PAIRS_ASKED_MAX:
        raise Refused(
            f"{errors.INVALID_ARGUMENTS}:pair",
            "too_many",
            name="pair",
            value=str(len(asked)),
            bound=str(PAIRS_ASKED_MAX),
        )
    if not asked:
        yield from ((pair.key, pair) for pair in call.names.pairs)
    for text in asked:
        pair = call.pair(text)
        yield result_key(pair, text), pair


def _fee_row(tier: TierView, ppm: int) -> list[Any]:
    """Return one row of a fee schedule: volume in TAO, and the fee in percent; both numbers."""
    return [number(format_decimal(tier.volume, decimals=TAO_DECIMALS, trim=True)), ppm / _PPM_PER_PERCENT]


def _level_row(level: Level, at: int) -> list[Any]:
    return [price_text(level.price), lot_text(level.volume), at]


def _trade_row(trade: Trade) -> list[Any]:
    return [
        price_text(trade.price),
        alpha_text(trade.volume),
        seconds(trade.ts_ms),
        "s" if trade.is_sell else "b",
        "l" if trade.is_limit else "m",
        "",
        trade.trade_id,
    ]


def _ticker_object(ticker: Ticker) -> dict[str, Any]:
    today, day = ticker.today, ticker.day
    return {
        "a": _best(ticker.ask),
        "b": _best(ticker.bid),
        "c": [price_text(ticker.last), alpha_text(ticker.last_volume)],
        "v": [alpha_text(today.volume), alpha_text(day.volume)],
        "p": [price_text(today.vwap), price_text(day.vwap)],
        "t": [today.count, day.count],
        "l": [price_text(today.low), price_text(day.low)],
        "h": [price_text(today.high), price_text(day.high)],
        "o": price_text(today.open),
    }


def _best(level: Level) -> list[str]:
    return [price_text(level.price), str(level.volume // (LOT_RAO * 10**LOT_DECIMALS)), lot_text(level.volume)]
