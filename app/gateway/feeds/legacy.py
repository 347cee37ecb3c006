"""The older socket protocol at ``/``: requests by ``event``, data as arrays (``kraken_api`` section 14).

One list of followers for all sockets; each batch is told at once, books as the difference to what a socket was told.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from typing import Any, Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.gateway.auth import ApiKey, Permission
from app.gateway.feeds.channels.book import DEPTHS, book_checksum, changes
from app.gateway.feeds.frames import encode
from app.gateway.feeds.outbox import Outbox
from app.gateway.folds.applied import Applied
from app.gateway.folds.candles import INTERVALS
from app.gateway.folds.fills import fill_number, fill_of_row
from app.gateway.folds.orders import Order, Step
from app.gateway.folds.trades import MINUTE_MS, Trade
from app.gateway.kraken import errors
from app.gateway.kraken.books import Books
from app.gateway.kraken.depth import Depth, Level
from app.gateway.kraken.envelope import alpha_text, lot_text, price_text
from app.gateway.kraken.render import fill_object, order_id, order_object, trade_id
from app.gateway.parts import Parts
from app.observability import get_logger
from app.projections.errors import HistoryUnavailable
from app.projections.pages import Window

VERSION: Final = "1.9.0"
HEARTBEAT: Final = '{"event":"heartbeat"}'
HEARTBEAT_SECONDS: Final = 1.0
SUBSCRIPTIONS_MAX: Final = 500
SNAPSHOT_TRADES: Final = 50
SNAPSHOT_WAIT_S: Final = 10.0
HELD_MAX: Final = 1_000
_PRIVATE: Final = {"openOrders": Permission.QUERY_OPEN_ORDERS, "ownTrades": Permission.QUERY_CLOSED_ORDERS}
_DEFAULTS: Final = {"book": ("depth", DEPTHS[0], DEPTHS), "ohlc": ("interval", INTERVALS[0], INTERVALS)}
_frame = msgspec.json.Decoder(dict[str, Any])


class Follower:
    """One socket: what it follows, what it was told of each book, and the numbers of its private frames."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.streams: dict[tuple[str, str, int], int] = {}
        self.books: dict[tuple[str, int], Depth] = {}
        self.private: dict[str, int] = {}
        self.account = 0
        self.held: list[list[dict[str, Any]]] | None = None


class LegacyFeeds:
    """Serves every socket of the older protocol over one gateway's parts."""

    def __init__(self, parts: Parts, books: Books) -> None:
        self._parts = parts
        self._books = books
        self._followers: set[Follower] = set()
        self._connections = count(1)
        self._channels = count(1)
        self._log = get_logger("gateway")
        parts.replica.listen(self._on_applied)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one socket until it ends."""
        address = websocket.client.host if websocket.client is not None else ""
        full = len(self._followers) >= self._parts.settings.sockets_max
        if full or not self._parts.limits.connection(address, self._parts.now_ms()):
            await websocket.close(1013)
            return
        await websocket.accept()
        follower = Follower(Outbox(self._parts.settings.outbox_max))
        status = "cancel_only" if self._parts.replica.reads.halts().money else "online"
        told = {"event": "systemStatus", "status": status, "version": VERSION, "connectionID": next(self._connections)}
        follower.outbox.put(encode(told))
        self._followers.add(follower)
        tasks = {
            asyncio.create_task(part)
            for part in (self._read(websocket, follower), _write(websocket, follower), _beat(follower))
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._followers.discard(follower)
            if follower.account:
                self._parts.replica.followed.unfollow(follower.account)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
                async with asyncio.timeout(2):
                    await websocket.close(1008 if follower.outbox.is_overflown else 1000)

    async def _read(self, websocket: WebSocket, follower: Follower) -> None:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                asked = _frame.decode(message.get("text") or message.get("bytes") or b"")
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
                follower.outbox.put(encode({"event": "error", "errorMessage": "Malformed request"}))
                continue
            await self._answer(follower, asked)
            await asyncio.sleep(0)

    async def _answer(self, follower: Follower, asked: dict[str, Any]) -> None:
        reqid = {"reqid": asked["reqid"]} if isinstance(asked.get("reqid"), int) else {}
        event, subscription = asked.get("event"), asked.get("subscription")
        if event == "ping":
            follower.outbox.put(encode({"event": "pong", **reqid}))
        elif event not in ("subscribe", "unsubscribe") or not isinstance(subscription, dict):
            follower.outbox.put(encode({"event": "error", "errorMessage": "Unsupported event", **reqid}))
        elif subscription.get("name") in _PRIVATE:
            await self._private(follower, event, subscription, reqid)
        else:
            pairs = asked.get("pair")
            for pair in pairs if isinstance(pairs, list) and pairs else [""]:
                self._public(follower, event, str(pair), subscription, reqid)

    def _public(
        self, follower: Follower, event: str, text: str, subscription: dict[str, Any], reqid: dict[str, Any]
    ) -> None:
        name = str(subscription.get("name"))
        pair = self._parts.replica.names.find_pair(text) if "/" in text else None
        member, default, allowed = _DEFAULTS.get(name, ("", 0, (0,)))
        variant = subscription.get(member, default) if member else 0
        error = ""
        if name not in ("book", "trade", "ohlc"):
            error = "Subscription name invalid"
        elif pair is None:
            error = f"Currency pair not supported {text[:64]}"
        elif variant not in allowed:
            error = "Subscription depth not supported" if name == "book" else "Subscription ohlc interval not supported"
        elif event == "subscribe" and len(follower.streams) >= SUBSCRIPTIONS_MAX:
            error = "Too many subscriptions"
        echo: dict[str, Any] = {"name": name} | ({member: variant} if member and not error else {})
        if error or pair is None:
            told: dict[str, Any] = {
                "event": "subscriptionStatus",
                "status": "error",
                "errorMessage": error,
                "pair": text[:64],
            }
            follower.outbox.put(encode(told | {"subscription": echo} | reqid))
            return
        stream = (name, pair.wsname, int(variant))
        if event == "unsubscribe":
            channel = follower.streams.pop(stream, 0)
            follower.books.pop((pair.wsname, int(variant)), None)
        else:
            channel = follower.streams.setdefault(stream, next(self._channels))
        status = "subscribed" if event == "subscribe" else "unsubscribed"
        told = {"channelID": channel, "channelName": _label(stream), "event": "subscriptionStatus", "pair": pair.wsname}
        follower.outbox.put(encode(told | {"status": status, "subscription": echo} | reqid))
        if event == "subscribe":
            self._snapshot(follower, stream, pair.netuid)

    async def _private(
        self, follower: Follower, event: str, subscription: dict[str, Any], reqid: dict[str, Any]
    ) -> None:
        name, token = str(subscription["name"]), subscription.get("token")
        key: ApiKey | None = self._parts.tokens.find(token, self._parts.now_ms()) if isinstance(token, str) else None
        key = self._parts.replica.find_key(key.key) if key is not None else None
        told: dict[str, Any] = {"event": "subscriptionStatus", "channelName": name, "subscription": {"name": name}}
        if key is None or _PRIVATE[name] not in key.permissions or follower.account not in (0, key.account):
            error = errors.INVALID_SESSION if key is None else errors.PERMISSION_DENIED
            follower.outbox.put(encode(told | {"status": "error", "errorMessage": error} | reqid))
            return
        if event == "unsubscribe":
            follower.private.pop(name, None)
            follower.outbox.put(encode(told | {"status": "unsubscribed"} | reqid))
            return
        if not follower.account:
            self._parts.replica.followed.follow(key.account)
        follower.account = key.account
        follower.private[name] = 0
        follower.outbox.put(encode(told | {"status": "subscribed"} | reqid))
        if name == "openOrders":
            orders = self._parts.replica.orders.open_of(key.account)
            self._tell_private(follower, name, [self._order(order) for order in orders])
        else:
            await self._tell_newest(follower, name)

    async def _tell_newest(self, follower: Follower, name: str) -> None:
        """Tell the newest fills up to now; what happens while they are read is told behind them."""
        replica, reads, follower.held = self._parts.replica, self._parts.history, []
        account, before = follower.account, fill_number(replica.seq + 1)
        try:
            await reads.reached(replica.touched(account), ("orders", "trades"), wait_s=SNAPSHOT_WAIT_S)
            page = await reads.fills(account, Window(before=before, limit=SNAPSHOT_TRADES))
            fills = map(fill_of_row, page.rows)
            told = [{trade_id(f.number): fill_object(f, replica.names.pair_of(f.netuid))} for f in fills]
            follower.held.insert(0, told)
        except HistoryUnavailable as error:
            self._log.error("snapshot_unavailable", channel=name, error=str(error))
        finally:
            held, follower.held = follower.held, None
            for rows in held:
                self._tell_private(follower, name, rows)

    def _order(self, order: Order) -> dict[str, Any]:
        pair = self._parts.replica.names.pair_of(order.netuid)
        return {order_id(order.seq): order_object(order, pair, with_trades=False)}

    def _tell_private(self, follower: Follower, name: str, rows: list[dict[str, Any]]) -> None:
        follower.private[name] += 1
        follower.outbox.put(encode([rows, name, {"sequence": follower.private[name]}]))

    def _on_applied(self, applied: Applied) -> None:
        for follower in self._followers:
            for stream, channel in follower.streams.items():
                pair = self._parts.replica.names.find_pair(stream[1])
                if pair is not None:
                    trades = [trade for trade in applied.trades if trade.netuid == pair.netuid]
                    self._update(follower, stream, channel, pair.netuid, trades, is_moved=pair.netuid in applied.moved)
            mine = [step for step in applied.steps if step.order.account == follower.account]
            if mine and "openOrders" in follower.private:
                orders = {step.order.seq: step.order for step in mine}
                self._tell_private(follower, "openOrders", [self._order(order) for order in orders.values()])
            if "ownTrades" in follower.private:
                self._tell_fills(follower, mine)

    def _tell_fills(self, follower: Follower, steps: Iterable[Step]) -> None:
        names, rows = self._parts.replica.names, []
        for step in steps:
            if step.fill is not None:
                told = fill_object(step.fill, names.pair_of(step.fill.netuid)) | {"userref": step.order.userref}
                rows.append({trade_id(step.fill.number): told})
        if rows and follower.held is None:
            self._tell_private(follower, "ownTrades", rows)
        elif rows and follower.held is not None:
            follower.held.append(rows)
            follower.outbox.is_overflown = follower.outbox.is_overflown or len(follower.held) > HELD_MAX

    def _snapshot(self, follower: Follower, stream: tuple[str, str, int], netuid: int) -> None:
        name, symbol, variant = stream
        channel = follower.streams[stream]
        if name == "book":
            book = self._books.depth(netuid, variant, self._parts.now_ms())
            follower.books[symbol, variant] = book
            self._tell(follower, channel, {"as": self._rows(book.asks), "bs": self._rows(book.bids)}, stream)
        elif name == "trade":
            ring = list(self._parts.replica.history(netuid).trades)[-50:]
            self._tell(follower, channel, [_trade_row(trade) for trade in ring], stream)
        else:
            self._candle(follower, stream, channel, netuid)

    def _update(
        self,
        follower: Follower,
        stream: tuple[str, str, int],
        channel: int,
        netuid: int,
        trades: list[Trade],
        *,
        is_moved: bool,
    ) -> None:
        name, symbol, variant = stream
        if name == "trade" and trades:
            self._tell(follower, channel, [_trade_row(trade) for trade in trades], stream)
        elif name == "ohlc" and trades:
            self._candle(follower, stream, channel, netuid)
        elif name == "book" and is_moved:
            before = follower.books[symbol, variant]
            after = self._books.depth(netuid, variant, self._parts.now_ms())
            asks = changes(before.asks, after.asks, depth=variant, is_bid=False)
            bids = changes(before.bids, after.bids, depth=variant, is_bid=True)
            follower.books[symbol, variant] = after
            if asks or bids:
                # One object: clients read the second element only.
                sides = {"a": self._rows(asks), "b": self._rows(bids)}
                changed = {side: rows for side, rows in sides.items() if rows}
                self._tell(follower, channel, changed | {"c": str(book_checksum(after))}, stream)

    def _candle(self, follower: Follower, stream: tuple[str, str, int], channel: int, netuid: int) -> None:
        for row in self._parts.replica.candles(netuid).rows(stream[2], self._parts.replica.ts_ms)[-1:]:
            ends = (row.start_ms + stream[2] * MINUTE_MS) // 1_000
            prices = [price_text(price) for price in (row.open, row.high, row.low, row.close, row.vwap)]
            told = [_seconds(self._parts.replica.ts_ms), f"{ends}.000000", *prices, alpha_text(row.volume), row.count]
            self._tell(follower, channel, told, stream)

    def _tell(self, follower: Follower, channel: int, data: Any, stream: tuple[str, str, int]) -> None:
        follower.outbox.put(encode([channel, data, _label(stream), stream[1]]))

    def _rows(self, levels: Iterable[Level]) -> list[list[str]]:
        at = _seconds(self._parts.now_ms())
        return [[price_text(level.price), lot_text(level.volume), at] for level in levels]


async def _write(websocket: WebSocket, follower: Follower) -> None:
    with suppress(WebSocketDisconnect, RuntimeError, OSError):
        while frames := await follower.outbox.take():
            for frame in frames:
                await websocket.send_text(frame)


async def _beat(follower: Follower) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        follower.outbox.put(HEARTBEAT)


def _label(stream: tuple[str, str, int]) -> str:
    return f"{stream[0]}-{stream[2]}" if stream[2] else stream[0]


def _seconds(ts_ms: int) -> str:
    return f"{ts_ms // 1_000}.{ts_ms % 1_000:03d}000"


def _trade_row(trade: Trade) -> list[str]:
    side, kind = "s" if trade.is_sell else "b", "l" if trade.is_limit else "m"
    return [price_text(trade.price), alpha_text(trade.volume), _seconds(trade.ts_ms), side, kind, ""]
