"""The fan-out: what a batch brought is gathered for a moment, encoded once per stream, and queued to every subscriber.

Each socket has a bounded queue; one that does not keep up is dropped with code 1008 rather than sent a feed with a
hole in it.
"""

import asyncio
from collections.abc import Callable, Mapping
from itertools import count, islice
from typing import Any, Final

from app.gateway.feeds.books import BookFeeds
from app.gateway.feeds.channels.instrument import instrument_data
from app.gateway.feeds.channels.ohlc import ohlc_data
from app.gateway.feeds.channels.ticker import ticker_data
from app.gateway.feeds.channels.trade import SNAPSHOT_TRADES, trade_data
from app.gateway.feeds.frames import HEARTBEAT, data_frame
from app.gateway.feeds.outbox import Outbox
from app.gateway.feeds.private import PrivateFeeds
from app.gateway.feeds.subscription import (
    BBO,
    BOOK,
    INSTRUMENT,
    OHLC,
    PRIVATE,
    TICKER,
    TRADE,
    TRADES,
    Stream,
)
from app.gateway.folds.applied import Applied
from app.gateway.folds.trades import Trade
from app.gateway.kraken.books import Books
from app.gateway.replica import Replica
from app.observability import Metrics
from app.projections.reads import HistoryReads

FLUSH_SECONDS: Final = 0.005
HEARTBEAT_SECONDS: Final = 1.0
# A book deeper than this takes milliseconds to build: it is told a little later, one at a time, others in between.
DEEP_FROM: Final = 101
DEEP_SECONDS: Final = 0.1


class Hub:
    """All sockets and streams of one gateway; ``now_ms`` is the clock of ticker figures."""

    def __init__(
        self,
        replica: Replica,
        books: Books,
        metrics: Metrics,
        now_ms: Callable[[], int],
        history: HistoryReads,
    ) -> None:
        self._replica = replica
        self._books = books
        self._metrics = metrics
        self._now_ms = now_ms
        self._outboxes: set[Outbox] = set()
        self._streams: dict[Stream, set[Outbox]] = {}
        self._private = PrivateFeeds(replica, history)
        self._book_feeds = BookFeeds(books, replica.names, now_ms)
        self._trades: dict[int, list[Trade]] = {}
        self._moved: set[int] = set()
        self._restaged = False
        self._last_best: dict[int, tuple[object, ...]] = {}
        self._flush_at: asyncio.TimerHandle | None = None
        self._deep: set[Stream] = set()
        self._deep_wake = asyncio.Event()
        self._connection_ids = count(1)
        replica.listen(self.on_applied)

    @property
    def socket_count(self) -> int:
        """Return how many sockets are open."""
        return len(self._outboxes)

    def next_connection_id(self) -> int:
        """Return a number for a new socket."""
        return next(self._connection_ids)

    def join(self, outbox: Outbox) -> None:
        """Send heartbeats to a socket from now on."""
        self._outboxes.add(outbox)
        self._metrics.sockets.set(len(self._outboxes))

    def leave(self, outbox: Outbox, streams: set[Stream]) -> None:
        """Forget a socket."""
        self._outboxes.discard(outbox)
        for stream in streams:
            self.unsubscribe(outbox, stream)
        self._metrics.sockets.set(len(self._outboxes))

    def subscribe(self, outbox: Outbox, stream: Stream, wanted: Mapping[str, Any]) -> None:
        """Begin a stream; a stream that runs already only gets a fresh snapshot. ``wanted``: what was acknowledged."""
        if stream.channel in PRIVATE:
            self._private.subscribe(outbox, stream, wanted)
            return
        # What is gathered is sent first, so that the snapshot does not hold what an update tells again.
        self.flush()
        if stream.channel == BOOK:
            self._send_book(stream)
        self._streams.setdefault(stream, set()).add(outbox)
        # A book is followed from the moment of its snapshot, whether that is sent or not.
        frame = self._snapshot(stream) if wanted["snapshot"] or stream.channel == BOOK else None
        if frame is not None and wanted["snapshot"]:
            outbox.put(frame)

    def unsubscribe(self, outbox: Outbox, stream: Stream) -> None:
        """End a stream."""
        if stream.channel in PRIVATE:
            self._private.unsubscribe(outbox, stream)
            return
        members = self._streams.get(stream)
        if members is not None:
            members.discard(outbox)
            if not members:
                del self._streams[stream]
                self._book_feeds.forget(stream)

    def on_applied(self, applied: Applied) -> None:
        """Gather what a batch brought, and send it a moment later together with what follows."""
        self._metrics.replica_seq.set(applied.seq)
        self._private.on_applied(applied)
        if not self._streams:  # who subscribes later begins with a snapshot
            self._trades, self._moved, self._restaged = {}, set(), False
            return
        for trade in applied.trades:
            self._trades.setdefault(trade.netuid, []).append(trade)
        self._moved |= applied.moved
        self._restaged = self._restaged or bool(applied.restaged)
        if self._flush_at is None and (self._trades or self._moved or self._restaged):
            self._flush_at = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Encode and queue everything gathered."""
        if self._flush_at is not None:
            self._flush_at.cancel()
            self._flush_at = None
        trades, moved, restaged = self._trades, self._moved, self._restaged
        self._trades, self._moved, self._restaged = {}, set(), False
        if not self._streams:
            return
        for netuid, rows in trades.items():
            pair = self._replica.names.pair_of(netuid)
            members = self._streams.get(Stream(TRADE, pair.wsname))
            if members:
                self._send(members, data_frame(TRADE, "update", trade_data(pair, rows)))
        for netuid in sorted(moved):
            self._send_ticker(netuid, traded=netuid in trades)
        for stream in self._book_feeds.of_markets(moved):
            self._tell_book(stream)
        self._send_candles({self._replica.names.pair_of(netuid).wsname for netuid in trades})
        members = self._streams.get(Stream(INSTRUMENT))
        if restaged and members:
            self._send(members, data_frame(INSTRUMENT, "update", instrument_data(self._replica.names)))

    def _send_ticker(self, netuid: int, *, traded: bool) -> None:
        pair = self._replica.names.pair_of(netuid)
        on_bbo = self._streams.get(Stream(TICKER, pair.wsname, BBO), set())
        on_trades = self._streams.get(Stream(TICKER, pair.wsname, TRADES), set()) if traded else set()
        if not on_bbo and not on_trades:
            return
        ticker = self._books.ticker(netuid, self._now_ms())
        if ticker is None:
            return
        best = (ticker.ask, ticker.bid)
        members = on_trades | on_bbo if traded or self._last_best.get(netuid) != best else on_trades
        self._last_best[netuid] = best
        if members:
            self._send(members, data_frame(TICKER, "update", ticker_data(pair, ticker)))

    def _tell_book(self, stream: Stream) -> None:
        """Send the changes of a book, a deep one when its turn comes."""
        if int(stream.variant) < DEEP_FROM:
            self._send_book(stream)
        else:
            self._deep.add(stream)
            self._deep_wake.set()

    def _send_book(self, stream: Stream) -> None:
        frame = self._book_feeds.update(stream)
        if frame is not None:
            self._send(self._streams.get(stream, set()), frame)

    def _send_candles(self, symbols: set[str]) -> None:
        for stream in [stream for stream in self._streams if stream.channel == OHLC and stream.symbol in symbols]:
            pair = self._replica.names.find_pair(stream.symbol)
            if pair is not None:
                interval = int(stream.variant)
                running = self._replica.candles(pair.netuid).rows(interval, self._replica.ts_ms)[-1:]
                self._send(self._streams[stream], data_frame(OHLC, "update", ohlc_data(pair, interval, running)))

    def _snapshot(self, stream: Stream) -> str | None:
        if stream.channel == INSTRUMENT:
            return data_frame(INSTRUMENT, "snapshot", instrument_data(self._replica.names))
        pair = self._replica.names.find_pair(stream.symbol)
        if pair is None:
            return None
        if stream.channel == TICKER:
            ticker = self._books.ticker(pair.netuid, self._now_ms())
            return None if ticker is None else data_frame(TICKER, "snapshot", ticker_data(pair, ticker))
        if stream.channel == BOOK:
            return self._book_feeds.snapshot(stream)
        if stream.channel == OHLC:
            interval = int(stream.variant)
            rows = self._replica.candles(pair.netuid).rows(interval, self._now_ms())
            return data_frame(OHLC, "snapshot", ohlc_data(pair, interval, reversed(rows)))
        ring = self._replica.history(pair.netuid).trades
        newest = list(islice(reversed(ring), SNAPSHOT_TRADES))
        return data_frame(TRADE, "snapshot", trade_data(pair, reversed(newest)))

    def _send(self, members: set[Outbox], frame: str) -> None:
        for outbox in members:
            outbox.put(frame)

    async def run(self) -> None:
        """Send heartbeats and deep books, for ever."""
        await asyncio.gather(self._run_heartbeats(), self._run_deep_books())

    async def _run_heartbeats(self) -> None:
        """Send a heartbeat to every socket each second, and the books that time alone has changed.

        Gates close by the clock, and a fill elsewhere changes what the house can pay: no event of the market says so.
        """
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self._send(self._outboxes, HEARTBEAT)
            self.flush()
            for stream in self._book_feeds.streams:
                self._tell_book(stream)

    async def _run_deep_books(self) -> None:
        while True:
            await self._deep_wake.wait()
            self._deep_wake.clear()
            waiting, self._deep = self._deep, set()
            for stream in waiting:
                self._send_book(stream)
                await asyncio.sleep(0)
            await asyncio.sleep(DEEP_SECONDS)
