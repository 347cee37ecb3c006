"""What a gateway takes over from history when it starts: what the engine's state does not hold, in one snapshot.

Every part is bounded by what the gateway keeps in memory anyway, and dated by the checkpoint of its projection: from
there on the log goes on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import asyncpg

from app.projections.base import head_of_checkpoint
from app.projections.catalogue import FOLDS
from app.projections.rows import CandleRow, QuoteRow, TradeRow
from ledger.engine.layout import Flag
from ledger.log.base import EMPTY_HEAD, Head

NEEDED: Final = ("orders", "trades", "candles", "chain")
DIFFERENCES_MAX: Final = 1_000

OPEN_ORDERS: Final = """
    SELECT order_id, account, netuid, flags, opened_ms, cl_ord_id, cost FROM history_orders WHERE closed_seq = 0
"""
NEWEST_TRADES: Final = """
    SELECT t.*, coalesce(o.flags & $2 <> 0, t.order_id = 0) AS is_limit
    FROM history_trade_counts AS m
    CROSS JOIN LATERAL (SELECT * FROM history_trades WHERE netuid = m.netuid ORDER BY seq DESC LIMIT $1) AS t
    LEFT JOIN history_orders AS o ON o.order_id = t.order_id
    ORDER BY t.seq
"""
NEWEST_CANDLES: Final = """
    SELECT c.* FROM (SELECT DISTINCT netuid FROM history_candles WHERE minutes = 21600) AS m
    CROSS JOIN unnest($1::integer[]) AS i (minutes)
    CROSS JOIN LATERAL (
        SELECT * FROM history_candles WHERE netuid = m.netuid AND minutes = i.minutes
        ORDER BY start_ms DESC LIMIT CASE WHEN i.minutes = 1 THEN $3::bigint ELSE $2::bigint END
    ) AS c
    ORDER BY c.start_ms
"""
COUNTS: Final = "SELECT netuid, last_id FROM history_trade_counts"
LIVE_QUOTES: Final = "SELECT * FROM history_quotes WHERE state = 'live'"
LAST_HEAD: Final = "SELECT * FROM history_heads ORDER BY seq DESC LIMIT 1"
DIFFERENCES: Final = "SELECT * FROM (SELECT * FROM history_differences ORDER BY seq DESC LIMIT $1) ORDER BY seq"


class OpenOrder(NamedTuple):
    """What the engine does not keep of an order that lives, with its ``account``, ``netuid`` and ``flags``."""

    order_id: int
    account: int
    netuid: int
    flags: int
    opened_ms: int
    cl_ord_id: str
    cost: int


@dataclass(frozen=True, slots=True)
class Seeds:
    """What was read; ``heads`` says where each projection stood, ``EMPTY_HEAD`` for one that cannot be used.

    ``last_head`` is ``(seq, number, hash, block_ms, differences, checked)``, a difference
    ``(seq, height, key, hotkey, netuid, is_alpha, amount)``.
    """

    heads: Mapping[str, Head]
    orders: list[OpenOrder] = field(default_factory=list)
    trades: list[TradeRow] = field(default_factory=list)
    trade_counts: dict[int, int] = field(default_factory=dict)
    candles: list[CandleRow] = field(default_factory=list)
    quotes: list[QuoteRow] = field(default_factory=list)
    last_head: tuple[Any, ...] | None = None
    differences: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def start(self) -> Head:
        """Return where the projection that is farthest behind stands."""
        return min(self.heads.values(), key=lambda head: head.seq)


NO_SEEDS: Final = Seeds(dict.fromkeys(NEEDED, EMPTY_HEAD))


async def read_seeds(
    url: str, *, trades_max: int, candles_max: int, minutes_max: int, intervals: tuple[int, ...]
) -> Seeds:
    """Return what history has for a gateway that starts: so many trades and candles of each market at most.

    Rows of another version of a fold, or of another log, are left alone: that part begins with the log.
    """
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            heads = await _heads(connection)
            if EMPTY_HEAD in heads.values():
                return NO_SEEDS
            return Seeds(
                heads,
                orders=await _all(connection, OpenOrder._make, OPEN_ORDERS),
                trades=await _all(connection, TradeRow._make, NEWEST_TRADES, trades_max, int(Flag.LIMIT)),
                trade_counts={row[0]: row[1] for row in await connection.fetch(COUNTS)},
                candles=await _all(connection, _candle, NEWEST_CANDLES, list(intervals), candles_max, minutes_max),
                quotes=await _all(connection, QuoteRow._make, LIVE_QUOTES),
                last_head=next((tuple(row) for row in await connection.fetch(LAST_HEAD)), None),
                differences=[tuple(row) for row in await connection.fetch(DIFFERENCES, DIFFERENCES_MAX)],
            )
    finally:
        await connection.close()


async def _heads(connection: Any) -> dict[str, Head]:
    """Return where the projections stand, those alone whose rows are of this version and of this log."""
    heads = dict.fromkeys(NEEDED, EMPTY_HEAD)
    for row in await connection.fetch("SELECT * FROM projections WHERE name = ANY($1)", list(NEEDED)):
        head = head_of_checkpoint(row)
        stored = await connection.fetchrow("SELECT hash, last_seq FROM batches WHERE number = $1", head.number)
        if row["version"] == FOLDS[row["name"]]().version and stored and tuple(stored) == (head.hash, head.seq):
            heads[row["name"]] = head
    return heads


async def _all(connection: Any, make: Callable[[Any], Any], query: str, *values: Any) -> list[Any]:
    return [make(row) for row in await connection.fetch(query, *values)]


def _candle(row: Any) -> CandleRow:
    # Sums come as decimals.
    return CandleRow._make(map(int, row))
