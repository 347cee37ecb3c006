"""Market orders over the ``/v2`` socket, filled and durable before they are answered, against FastAPI + SQLAlchemy.

The exchange is one child process with an embedded database; clients run in this process on the same two cores. First as
fast as it goes, ``single`` with one ``add_order`` a frame and ``batch`` with ``batch_add``, several frames under way on
each connection; then at a tenth of those rates, steadily, for the latency; then at several offered loads (``curve``).
The baseline is the REST server of ``baselines/crud.py`` in the same run: it has no socket. At the end the fills in
the log, and in the table, must be as many as there were answers.
"""

import statistics
from dataclasses import dataclass, field
from typing import Any

from load_tests.chart import write_curve
from load_tests.child import ServerChild
from load_tests.counting import check_fills, count_fills
from load_tests.driver import Options, scratch_postgres
from load_tests.http_clients import Key
from load_tests.opening import DEPOSIT_TAO, FEE_RATE, MARKETS, POOL_ALPHA, POOL_TAO, TAKER_PPM
from load_tests.orders import MarketOrder, draw_orders
from load_tests.report import ROOT, Result, latencies_ms, spread
from load_tests.scenarios.order_rest import Side
from load_tests.socket_clients import SocketClient, add_order, batch_add, connect_all, send_all, send_paced, token_of

CLIENTS = 32
DEPTH = 32
BATCH = 14
BATCH_DEPTH = 4
ORDERS_PER_CLIENT = 2_000
BATCHES_PER_CLIENT = 300
PACED_S = 4.0
CURVE_S = 2.0
CURVE = (0.1, 0.25, 0.5, 0.7, 0.85, 1.0)
CRUD_CLIENTS = 64
BASELINE_ORDERS_PER_CLIENT = 10
WARM_UP = 50
GOAL, GOAL_BATCH = 40_000, 80_000


@dataclass(slots=True)
class Mode:
    """What was measured of one way to send orders, ``size`` in a frame."""

    size: int
    rates: list[float] = field(default_factory=list)
    samples: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    paced: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Return the median, orders per second."""
        return statistics.median(self.rates)

    def details(self) -> dict[str, Any]:
        """Return spread, latencies and processor time."""
        return {
            **spread(self.rates),
            **latencies_ms(self.samples),
            "server_cpu_us_per_order": round(statistics.median(self.cpu_us), 1),
            "paced": self.paced,
        }


class Exchange:
    """The served exchange and its clients."""

    def __init__(self, server: ServerChild, clients: list[SocketClient], tokens: list[str]) -> None:
        self.server = server
        self.clients = clients
        self.tokens = tokens
        self.answered = 0
        self.single, self.batch = Mode(1), Mode(BATCH)
        self._seed = 0

    @classmethod
    async def connect(cls, server: ServerChild) -> "Exchange":
        """Open one socket for each account."""
        port = server.told["port"]
        tokens = [await token_of(port, Key(*pair), 1) for pair in server.told["keys"]]
        return cls(server, await connect_all(port, len(tokens)), tokens)

    def frames(self, mode: Mode, per_client: int) -> list[list[bytes]]:
        """Return so many frames for each client; what is bought is sold again in the same frame or the next one."""
        self._seed += 1
        self.answered += per_client * mode.size * len(self.clients)
        if mode.size == 1:
            orders = draw_orders(len(self.clients), MARKETS, per_client, self._seed)
            return [
                [add_order(order, token, number) for number, order in enumerate(own)]
                for own, token in zip(orders, self.tokens, strict=True)
            ]
        orders = draw_orders(len(self.clients), MARKETS, per_client * 2, self._seed)
        return [
            [batch_add(_repeated(own[2 * at : 2 * at + 2]), token, at) for at in range(per_client)]
            for own, token in zip(orders, self.tokens, strict=True)
        ]

    async def measure(self, mode: Mode, per_client: int, depth: int) -> None:
        """Send as fast as answers come, and keep what was measured."""
        frames = self.frames(mode, per_client)
        before_s = await self.server.ask("cpu")
        taken, samples = await send_all(self.clients, frames, depth)
        orders = len(samples) * mode.size
        mode.cpu_us.append((await self.server.ask("cpu") - before_s) * 1e6 / orders)
        mode.rates.append(orders / taken)
        mode.samples += samples

    async def pace(self, mode: Mode, rate: float, seconds: float) -> dict[str, Any]:
        """Send orders at a steady rate, and return the latencies."""
        per_client = max(int(rate * seconds / mode.size / len(self.clients)), 2)
        per_client += per_client % 2
        frames = self.frames(mode, per_client)
        taken, samples = await send_paced(self.clients, frames, rate / mode.size)
        answered = len(samples) * mode.size / taken
        return {"offered": round(rate), "answered": round(answered), **latencies_ms(samples)}


def _repeated(pair: list[MarketOrder]) -> list[MarketOrder]:
    return pair * (BATCH // 2)


async def run(options: Options) -> Result:
    """Measure both servers in turns, hold fills against answers, and return the medians."""
    async with scratch_postgres() as url:
        figures = {"deposit": DEPOSIT_TAO, "tao": POOL_TAO, "alpha": POOL_ALPHA, "fee-rate": FEE_RATE}
        terms = [f"--{name}={figure}" for name, figure in (*figures.items(), ("taker-ppm", TAKER_PPM))]
        markets = f"--markets={MARKETS}"
        async with (
            ServerChild("load_tests.gateway", url, f"--accounts={CLIENTS}", markets) as gateway,
            ServerChild("load_tests.baselines.crud", url, f"--accounts={CRUD_CLIENTS}", markets, *terms) as crud,
        ):
            ours, theirs = await Exchange.connect(gateway), Side(crud)
            await send_all(ours.clients, ours.frames(ours.single, WARM_UP), DEPTH)
            await send_all(ours.clients, ours.frames(ours.batch, WARM_UP), BATCH_DEPTH)
            await theirs.trade(2, 0)
            for seed in range(1, options.runs + 1):
                await ours.measure(ours.single, _even(options.scaled(ORDERS_PER_CLIENT)), DEPTH)
                await ours.measure(ours.batch, options.scaled(BATCHES_PER_CLIENT), BATCH_DEPTH)
                await theirs.measure(options.scaled(BASELINE_ORDERS_PER_CLIENT), seed)
            for mode in (ours.single, ours.batch):
                mode.paced = await ours.pace(mode, mode.rate / 10, PACED_S * options.scale)
            curve = [await ours.pace(ours.single, ours.single.rate * share, CURVE_S * options.scale) for share in CURVE]
            chart = write_curve("order_socket", "Orders over the socket, durable: p99 against load", curve)
            stored = await crud.ask("fills")
            for client in ours.clients:
                client.close()
        check_fills("crud", fills=stored, answered=theirs.answered)
        check_fills("order_socket", fills=await count_fills(url), answered=ours.answered)
    return Result(
        name="order_socket",
        value=ours.single.rate,
        unit="orders/s",
        baseline=statistics.median(theirs.rates),
        baseline_name="FastAPI + SQLAlchemy over HTTP",
        goal=GOAL,
        details={
            "runs": options.runs,
            "single": {"connections": CLIENTS, "under_way": DEPTH, **ours.single.details()},
            "batch_add": {"orders": BATCH, "under_way": BATCH_DEPTH, "goal": GOAL_BATCH, **ours.batch.details()},
            "curve": curve,
            "chart": str(chart.relative_to(ROOT)),
            "crud": theirs.details(),
        },
    )


def _even(count: int) -> int:
    return count + count % 2
