"""The gateway's own copy of the exchange: an engine that evolves published batches only, and the read models beside it.

Start-up and recovery are the same code: the newest snapshot that history has passed, what history knows beside it, and
then the log, batch by batch, first stored ones, then published ones. Every read stands at one ``seq``, and an answer to
a write waits for its own effect by ``caught_up``. A batch costs a few operations on whole columns; events are looked at
one by one only where they trade, are rare, or concern an account that somebody follows.
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Final

import msgspec
import numpy as np

from amm.errors import AmmError
from amm.units import parse_decimal
from app.gateway.auth import ApiKey
from app.gateway.folds.applied import Applied
from app.gateway.folds.candles import INTERVALS, KEPT_MAX, Candles
from app.gateway.folds.customers import Customers
from app.gateway.folds.followed import Followed
from app.gateway.folds.heads import Difference, Head, Heads
from app.gateway.folds.live import LiveOrders
from app.gateway.folds.quotes import Quotes
from app.gateway.folds.rows import Row, kinds_table, rows_at
from app.gateway.folds.tape import Tape
from app.gateway.folds.trades import DAY_MINUTES, RING_MAX, Bucket, Market, Trade, trade_of_row
from app.gateway.kraken.names import ALPHA_DECIMALS, COST_MIN_RAO, ORDER_MIN_RAO, TAO_DECIMALS, Names, Pair
from app.projections.rows import CandleRow
from app.projections.seeds import NO_SEEDS, Seeds, read_seeds
from app.projections.tape import TAPE_KINDS
from ledger.codec import Batch
from ledger.engine.api import StateMachine
from ledger.engine.layout import EventKind, Records, Stage
from ledger.engine.views import MarketView, Views
from ledger.log import base
from ledger.log.base import EMPTY_HEAD, EventLog
from ledger.log.recovery import newest_engine
from ledger.log.snapshot_store import Report

WAITING_MAX: Final = 100_000
CATCH_UP_SECONDS: Final = 10.0
_TOUCHED_FIRST: Final = 1_024

_ACCEPTED: Final = int(EventKind.ORDER_ACCEPTED)
_CLOSED: Final = int(EventKind.ORDER_CLOSED)
_CROSSED: Final = int(EventKind.CROSSED)
_RARE: Final = kinds_table(
    EventKind.HEAD_BEGAN,
    EventKind.HEAD_ENDED,
    EventKind.RECONCILIATION_BROKEN,
    EventKind.API_KEY_ADDED,
    EventKind.MARKET_LISTED,
    EventKind.STAGE_CHANGED,
    EventKind.EXTRINSIC_SIGNED,
)
_TAPE: Final = kinds_table(*TAPE_KINDS, EventKind.POOL_UPDATED, EventKind.QUOTE_ISSUED, EventKind.QUOTE_ENDED)
_MOVING: Final = kinds_table(
    EventKind.FILLED,
    EventKind.CROSSED,
    EventKind.CUT_MATCHED,
    EventKind.ORDER_CLOSED,
    EventKind.ORDER_AMENDED,
    EventKind.ORDER_RESTED,
    EventKind.ORDER_QUEUED,
    EventKind.ORDER_SENT,
    EventKind.STOP_ARMED,
    EventKind.STOP_TRIGGERED,
    EventKind.QUOTE_ISSUED,
    EventKind.QUOTE_TAKEN,
    EventKind.QUOTE_ENDED,
    EventKind.WINDOW_OPENED,
    EventKind.MIRROR_MOVED,
    EventKind.MARKET_CONFIGURED,
)
"""Kinds after which the book or the mirror of a market may be another one."""


class Behind(Exception):  # noqa: N818 - says what is the matter
    """The replica did not reach a seq in time, or too many wait for it."""


class SeqGap(Exception):  # noqa: N818 - says what is the matter
    """A batch does not continue where the replica stands; ``catch_up`` reads what is missing from the log."""


class ListingBody(msgspec.Struct, frozen=True):
    """The payload of ``LIST_MARKET`` as far as the gateway reads it; amounts as decimal strings."""

    name: str = ""
    ordermin: str = ""
    costmin: str = ""


class Replica:
    """State as of ``seq``; ``reads`` are the views of ``engine``, and nobody but ``apply`` changes either.

    ``head`` is the last batch of the log that was applied.

    ``start``: the head of the log at which the engine stands; ``seeds``: what history knew at its checkpoints, none of
    which lies before that.
    """

    def __init__(
        self, engine: StateMachine, reads: Views, *, start: base.Head = EMPTY_HEAD, seeds: Seeds = NO_SEEDS
    ) -> None:
        self._engine = engine
        self.head = start
        self.reads = reads
        self.names = Names()
        self.customers = Customers(reads)
        self.heads = Heads()
        self.orders = LiveOrders(reads)
        self.tape = Tape(self.orders)
        self.followed = Followed(reads, self.orders)
        self._seeded = {name: head.seq for name, head in seeds.heads.items()}
        self._touched = np.zeros(_TOUCHED_FIRST, np.int64)
        self._first_seq = start.seq
        self._signed_seq = 0
        self._versions: dict[int, int] = {}
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._tickets = count()
        self._listeners: list[Callable[[Applied], None]] = []
        self._refresh_markets()
        self.customers.refresh()
        self._restore(seeds)

    @classmethod
    async def begin(cls, url: str, report: Report = lambda _: None) -> "Replica":
        """Return a replica at the newest snapshot that history has passed; the log goes on from its ``head``.

        Where history was never folded, or is of another version, that is before the log's first event. ``report`` is
        told of each snapshot that does not hold.
        """
        seeds = await read_seeds(
            url, trades_max=RING_MAX, candles_max=KEPT_MAX, minutes_max=DAY_MINUTES + 1, intervals=INTERVALS
        )
        engine, start = await newest_engine(url, seeds.start, report)
        return cls(engine, Views(engine), start=start, seeds=seeds)

    @classmethod
    async def recover(cls, url: str, log: EventLog, report: Report = lambda _: None) -> "Replica":
        """Return a replica at the present end of the log. Raises ``ChainBroken``."""
        replica = await cls.begin(url, report)
        await replica.catch_up(log)
        return replica

    async def catch_up(self, log: EventLog) -> None:
        """Apply what the log has beyond this replica; also the way out of a ``SeqGap``. Raises ``ChainBroken``."""
        async for batch in log.read(self.head.number + 1):
            self.apply(batch)

    @property
    def seq(self) -> int:
        """Return the seq of the last event this replica reflects."""
        return self._engine.seq

    @property
    def ts_ms(self) -> int:
        """Return the time of the last batch, ms."""
        return self._engine.ts_ms

    def touched(self, account: int) -> int:
        """Return the seq of the last event that concerned an account, as far as this replica has seen; or later.

        What the signer signs is told without its account: it concerns everybody.
        """
        known = int(self._touched[account]) if account < len(self._touched) else 0
        return max(known, self._first_seq, self._signed_seq)

    def listen(self, callback: Callable[[Applied], None]) -> None:
        """Call back after every batch, in order; callbacks must not block."""
        self._listeners.append(callback)

    def apply(self, batch: Batch) -> None:
        """Evolve one batch and fold it; a batch known already is left out, a gap raises ``SeqGap``."""
        events = batch.events
        first, last = int(events["seq"][0]), int(events["seq"][-1])
        if last <= self.seq:
            return
        if first != self.seq + 1:
            raise SeqGap(f"batch begins at seq {first}, replica stands at {self.seq}")
        self._engine.evolve(batch.ts_ms, events, batch.payloads)
        self.head = base.Head.of(batch)
        applied = Applied(seq=last, ts_ms=batch.ts_ms)
        self._fold(events, batch.payloads, applied)
        while self._waiting and self._waiting[0][0] <= last:
            answer = heapq.heappop(self._waiting)[2]
            if not answer.done():
                answer.set_result(None)
        for listener in self._listeners:
            listener(applied)

    def _fold(self, events: Records, payloads: Sequence[bytes], applied: Applied) -> None:
        first, kinds = int(events["seq"][0]), events["kind"]
        self._note_accounts(events, kinds)
        rare = _RARE[kinds]
        if rare.any():
            self._fold_rare(rows_at(events, rare), applied, with_heads=first > self._seeded["chain"])
        with_orders = first > self._seeded["orders"]
        accepted = kinds == _ACCEPTED
        if with_orders and accepted.any():
            self.orders.accepted(events[accepted], payloads, applied.ts_ms)
        trade_ids: dict[int, int] = {}
        taped = _TAPE[kinds]
        if first > self._seeded["trades"] and taped.any():
            with_candles = first > self._seeded["candles"]
            trade_ids = self.tape.fold(rows_at(events, taped), applied, with_candles=with_candles)
        closed = kinds == _CLOSED
        if with_orders and closed.any():
            self.orders.closed(events[closed])
        if self.followed:
            chosen = self.followed.of_interest(events)
            if chosen.any():
                self.followed.fold(rows_at(events, chosen), payloads, trade_ids, applied)
        moving = _MOVING[kinds]
        if moving.any():
            applied.moved.update(np.unique(events["netuid"][moving]).tolist())
            for netuid in applied.moved:
                self._versions[netuid] = applied.seq

    def _note_accounts(self, events: Records, kinds: Any) -> None:
        """Keep the last seq of every account in the batch; of several in one assignment the last one stays."""
        accounts, seqs = events["account"], events["seq"]
        most = int(accounts.max())
        crossed = kinds == _CROSSED
        with_makers = bool(crossed.any())
        makers = events["other"][crossed] if with_makers else None
        if makers is not None:
            most = max(most, int(makers.max()))
        if most >= len(self._touched):
            self._touched = np.concatenate([self._touched, np.zeros(max(most, len(self._touched)), np.int64)])
        self._touched[accounts] = seqs
        if makers is not None:
            self._touched[makers] = np.maximum(self._touched[makers], seqs[crossed])

    def _fold_rare(self, rows: Sequence[Row], applied: Applied, *, with_heads: bool) -> None:
        for row in rows:
            match row.kind:
                case EventKind.HEAD_BEGAN if with_heads:
                    self.heads.began(row)
                case EventKind.HEAD_ENDED if with_heads:
                    self.heads.finished(row)
                case EventKind.RECONCILIATION_BROKEN if with_heads:
                    self.heads.broken(row)
                case EventKind.EXTRINSIC_SIGNED:
                    self._signed_seq = row.seq
                case EventKind.API_KEY_ADDED:
                    self.customers.refresh()
                case EventKind.MARKET_LISTED:
                    self._refresh_markets()
                    applied.restaged.add(row.netuid)
                case EventKind.STAGE_CHANGED:
                    self.names.set_stage(row.netuid, Stage(row.code))
                    applied.restaged.add(row.netuid)

    async def caught_up(self, seq: int, *, timeout_s: float = CATCH_UP_SECONDS) -> None:
        """Return once the replica reflects a seq; raises ``Behind``."""
        if self.seq >= seq:
            return
        if len(self._waiting) >= WAITING_MAX:
            raise Behind
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (seq, next(self._tickets), answer))
        try:
            await asyncio.wait_for(answer, timeout_s)
        except TimeoutError as error:
            raise Behind from error

    def find_key(self, key: str) -> ApiKey | None:
        """Return an API key that is known."""
        return self.customers.find_key(key)

    def market(self, netuid: int, ts_ms: int) -> MarketView | None:
        """Return the engine's view of a market at a time; a gate that time closes shows without a batch."""
        return self.reads.market(netuid, max(ts_ms, self.ts_ms))

    def history(self, netuid: int) -> Market:
        """Return the newest trades of a listed market."""
        return self.tape.markets[netuid]

    def candles(self, netuid: int) -> Candles:
        """Return the candles of a listed market."""
        return self.tape.candles[netuid]

    @property
    def quotes(self) -> Quotes:
        """Return the firm quotes that live, and those that ended lately."""
        return self.tape.quotes

    def version(self, netuid: int) -> int:
        """Return the seq at which the book or the mirror of a market may have moved last, 0 before the first time."""
        return self._versions.get(netuid, 0)

    def _refresh_markets(self) -> None:
        """Take up the markets that are listed."""
        for market in self.reads.markets(self.ts_ms):
            self.names.put(_pair_of(market))
            self.tape.listed(market.netuid)

    def _restore(self, seeds: Seeds) -> None:
        """Take over what history knew. A market that was listed later than the snapshot begins its trades here too."""
        self.orders.restore(seeds.orders)
        self.quotes.restore(seeds.quotes)
        if seeds.last_head is not None:
            seq, number, digest, block_ms, differences, checked = seeds.last_head
            head = Head(number, bytes(digest), block_ms, differences, checked, seq)
            self.heads.restore(head, (Difference(*row) for row in seeds.differences))
        minutes: dict[int, list[Bucket]] = {}
        for (netuid, interval), rows in _by_series(seeds.candles).items():
            self.tape.listed(netuid)
            self.tape.candles[netuid].restore(interval, rows)
            if interval == INTERVALS[0]:
                minutes[netuid] = [replace(row) for row in rows if row.count]
        trades: dict[int, list[Trade]] = {}
        for row in seeds.trades:
            trades.setdefault(row.netuid, []).append(trade_of_row(row))
        for netuid, last_id in seeds.trade_counts.items():
            self.tape.listed(netuid)
            self.tape.markets[netuid].restore(last_id, trades.get(netuid, ()), minutes.get(netuid, ()))


def _by_series(rows: list[CandleRow]) -> dict[tuple[int, int], list[Bucket]]:
    """Return candles by market and interval, in the order they came."""
    series: dict[tuple[int, int], list[Bucket]] = {}
    for row in rows:
        bucket = Bucket(row.start_ms, row.open, row.high, row.low, row.close, row.volume, row.cost, row.trades)
        series.setdefault((row.netuid, row.minutes), []).append(bucket)
    return series


def _pair_of(market: MarketView) -> Pair:
    """Return the pair of a listing; figures that are missing or unreadable take their defaults."""
    try:
        body = msgspec.json.decode(market.body, type=ListingBody)
    except msgspec.DecodeError:
        body = ListingBody()
    return Pair(
        netuid=market.netuid,
        registered_at=market.registered_at,
        stage=market.stage,
        title=body.name,
        order_min_rao=_amount_or(body.ordermin, ALPHA_DECIMALS, ORDER_MIN_RAO),
        cost_min_rao=_amount_or(body.costmin, TAO_DECIMALS, COST_MIN_RAO),
    )


def _amount_or(text: str, decimals: int, default: int) -> int:
    try:
        return parse_decimal(text, decimals=decimals, smallest=1)
    except AmmError:
        return default
