"""What happens beyond capacity: more orders at once than a small inbox holds, over the socket of a real server.

Together the clients keep more orders under way than the exchange has room for, and send the next as soon as one is
refused. Beside them one client cancels, one pings, and one reads a ticker over REST, each a few times a second. The
value is the p99 of a refusal, beside it what an accepted order, a cancel and a read took, and the same before the
flood. At the end every accepted order must be filled in the log: none more, none less.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import httpx

from load_tests.child import ServerChild
from load_tests.counting import check_fills, count_fills
from load_tests.driver import Options, scratch_postgres
from load_tests.http_clients import Key
from load_tests.opening import MARKETS
from load_tests.orders import draw_orders
from load_tests.report import Result, latencies_ms, percentile
from load_tests.socket_clients import SocketClient, add_order, cancel_all, connect_all, ping, send_all, token_of

CLIENTS = 48
INBOX = 500
CALM_DEPTH, FLOOD_DEPTH = 4, 64
CALM_ORDERS, FLOOD_ORDERS = 100, 1_500
PAUSE_S = 0.05
GOAL_MS = 50.0


class Bystanders:
    """Those who cancel and read while others flood."""

    def __init__(self, port: int, clients: Sequence[SocketClient], token: str) -> None:
        self._port = port
        self._canceller, self._reader = clients
        self._token = token
        self._numbers = 0
        self.ticker_s: list[float] = []

    async def watch(self) -> None:
        """Cancel, ping and read, for ever."""
        for client in (self._canceller, self._reader):
            client.begin([], 0)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._port}") as http:
            while True:
                self._numbers += 1
                self._canceller.send(cancel_all(self._token, self._numbers), time.perf_counter())
                self._reader.send(ping(self._numbers), time.perf_counter())
                begun = time.perf_counter()
                answer = await http.get("/0/public/Ticker", params={"pair": "SN1TAO"})
                assert answer.json()["error"] == [], answer.text
                self.ticker_s.append(time.perf_counter() - begun)
                await asyncio.sleep(PAUSE_S)

    def details(self) -> dict[str, Any]:
        """Return the latencies since the last call, and forget them."""
        told = {
            "cancels": latencies_ms(self._canceller.samples),
            "pings": latencies_ms(self._reader.samples),
            "tickers": latencies_ms(self.ticker_s),
        }
        self._canceller.samples, self._reader.samples, self.ticker_s = [], [], []
        return told


async def run(options: Options) -> Result:
    """Flood one server, hold fills against answers, and return the latencies."""
    async with scratch_postgres() as url:
        sizes = (f"--accounts={CLIENTS + 1}", f"--markets={MARKETS}", f"--inbox={INBOX}")
        async with ServerChild("load_tests.gateway", url, *sizes) as server:
            port = server.told["port"]
            tokens = [await token_of(port, Key(*pair), 1) for pair in server.told["keys"]]
            clients = await connect_all(port, CLIENTS)
            bystanders = Bystanders(port, await connect_all(port, 2), tokens[-1])
            watching = asyncio.create_task(bystanders.watch())
            _, calm = await send_all(clients, _buys(tokens, CALM_ORDERS, seed=1), CALM_DEPTH)
            before = bystanders.details()
            for client in clients:
                client.may_refuse = True
            taken, flooded = await send_all(clients, _buys(tokens, options.scaled(FLOOD_ORDERS), seed=2), FLOOD_DEPTH)
            beside = bystanders.details()
            watching.cancel()
            refusals = [sample for client in clients for sample in client.refusals]
            for client in clients:
                client.close()
        check_fills("overload", fills=await count_fills(url), answered=len(calm) + len(flooded))
    return Result(
        name="overload",
        value=percentile(refusals, 99) * 1e3,
        unit="ms",
        baseline=percentile(flooded, 99) * 1e3,
        baseline_name="p99 of an accepted order in the same flood",
        goal=GOAL_MS,
        less_is_better=True,
        details={
            "inbox": INBOX,
            "under_way": CLIENTS * FLOOD_DEPTH,
            "offered": round((len(flooded) + len(refusals)) / taken),
            "accepted": round(len(flooded) / taken),
            "refused": len(refusals),
            "refusals": latencies_ms(refusals),
            "orders": latencies_ms(flooded),
            "beside": beside,
            "calm": {"orders": latencies_ms(calm), **before},
        },
    )


def _buys(tokens: Sequence[str], count: int, seed: int) -> list[list[bytes]]:
    """Return so many buys for each client but the last; nothing is sold, since a buy may be refused."""
    drawn = draw_orders(CLIENTS, MARKETS, 2 * count, seed)
    return [
        [add_order(order, token, number) for number, order in enumerate(own[::2])]
        for own, token in zip(drawn, tokens, strict=False)
    ]
