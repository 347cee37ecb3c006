"""The book channel: a snapshot, then only what changed, each with the checksum of what the client now holds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from app.gateway.kraken.checksum import LEVELS, compute_checksum
from app.gateway.kraken.depth import Depth, Level
from app.gateway.kraken.envelope import lot_text, number, price_text, rfc3339
from app.gateway.kraken.names import LOT_DECIMALS, LOT_RAO, PAIR_DECIMALS, PRICE_TICK_RAO, Pair

DEPTHS: Final = (10, 25, 100, 500, 1_000)
DEPTH_DEFAULT: Final = 10


def book_checksum(book: Depth) -> int:
    """Return the checksum of the ten best levels of each side."""
    return compute_checksum(_rows(book.asks), _rows(book.bids), price_decimals=PAIR_DECIMALS, lot_decimals=LOT_DECIMALS)


def snapshot_data(pair: Pair, book: Depth) -> list[dict[str, Any]]:
    """Return the data of a snapshot: all levels, best first."""
    return [
        {
            "symbol": pair.wsname,
            "bids": _told(book.bids),
            "asks": _told(book.asks),
            "checksum": book_checksum(book),
        }
    ]


def update_data(pair: Pair, before: Depth, after: Depth, *, depth: int, now_ms: int) -> list[dict[str, Any]]:
    """Return the data that leads a client from one book to the next; empty where nothing changed."""
    asks = changes(before.asks, after.asks, depth=depth, is_bid=False)
    bids = changes(before.bids, after.bids, depth=depth, is_bid=True)
    if not asks and not bids:
        return []
    return [
        {
            "symbol": pair.wsname,
            "bids": _told(bids),
            "asks": _told(asks),
            "checksum": book_checksum(after),
            "timestamp": rfc3339(now_ms),
        }
    ]


def changes(before: Sequence[Level], after: Sequence[Level], *, depth: int, is_bid: bool) -> list[Level]:
    """Return the changed levels of one side, volume 0 for one that is gone.

    Nothing is said of a level that slid out behind a full side: the client cuts it off itself. Levels that are gone
    come first, since some clients cut to the depth after each level and would drop one they need.
    """
    was: Mapping[int, int] = {level.price: level.volume for level in before}
    now: Mapping[int, int] = {level.price: level.volume for level in after}
    worst = after[-1].price if len(after) >= depth else None
    gone = [
        Level(price, 0)
        for price in was
        if price not in now and (worst is None or (price > worst if is_bid else price < worst))
    ]
    return gone + [level for level in after if was.get(level.price) != level.volume]


def _rows(levels: Sequence[Level]) -> list[tuple[int, int]]:
    return [(level.price // PRICE_TICK_RAO, level.volume // LOT_RAO) for level in levels[:LEVELS]]


def _told(levels: Iterable[Level]) -> list[dict[str, Any]]:
    return [{"price": number(price_text(level.price)), "qty": number(lot_text(level.volume))} for level in levels]
