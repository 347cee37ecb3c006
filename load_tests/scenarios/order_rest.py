"""Signed market orders over HTTP, filled and durable before they are answered, against FastAPI + SQLAlchemy.

Both servers are child processes with one worker each on the same embedded database; the clients, keep-alive connections
with an account of their own, run in this process. Both sides trade the same orders on the same pools, in turns. At the
end the fills in the log, and in the table, must be as many as there were answers.
"""

import statistics

from load_tests.child import ServerChild
from load_tests.counting import check_fills, count_fills
from load_tests.driver import Options, scratch_postgres
from load_tests.http_clients import Key, send_all, sign_order
from load_tests.opening import DEPOSIT_TAO, FEE_RATE, MARKETS, POOL_ALPHA, POOL_TAO, TAKER_PPM
from load_tests.orders import draw_orders
from load_tests.report import Result, latencies_ms, spread

CLIENTS = 64
ORDERS_PER_CLIENT = 250
BASELINE_ORDERS_PER_CLIENT = 20
WARM_UP_ORDERS = 10
GOAL_RATIO = 10


class Side:
    """One server under load: what was measured, and how many orders it answered in all."""

    def __init__(self, server: ServerChild) -> None:
        self.server = server
        self.answered = 0
        self.rates: list[float] = []
        self.samples: list[float] = []
        self.cpu_us: list[float] = []
        self._nonce = 0
        self._keys = [Key(*pair) for pair in server.told["keys"]]

    async def trade(self, per_client: int, seed: int) -> tuple[float, list[float], float]:
        """Send so many orders from each client; return orders per second, seconds of each, processor us per order."""
        orders = draw_orders(len(self._keys), MARKETS, per_client, seed)
        requests = [
            [sign_order(order, key, self._nonce + position) for position, order in enumerate(own, 1)]
            for key, own in zip(self._keys, orders, strict=True)
        ]
        self._nonce += per_client
        before_s = await self.server.ask("cpu")
        rate, samples = await send_all(self.server.told["port"], requests)
        cpu_us = (await self.server.ask("cpu") - before_s) * 1e6 / len(samples)
        self.answered += len(samples)
        return rate, samples, cpu_us

    async def measure(self, per_client: int, seed: int) -> None:
        """Trade, and keep what was measured."""
        rate, samples, cpu_us = await self.trade(per_client, seed)
        self.rates.append(rate)
        self.samples += samples
        self.cpu_us.append(cpu_us)

    def details(self) -> dict[str, float]:
        """Return spread, latencies and processor time."""
        return {
            **spread(self.rates),
            **latencies_ms(self.samples),
            "server_cpu_us_per_order": round(statistics.median(self.cpu_us)),
        }


async def run(options: Options) -> Result:
    """Measure both servers in turns, hold fills against answers, and return the medians."""
    async with scratch_postgres() as url:
        figures = {
            "deposit": DEPOSIT_TAO,
            "tao": POOL_TAO,
            "alpha": POOL_ALPHA,
            "fee-rate": FEE_RATE,
            "taker-ppm": TAKER_PPM,
        }
        sizes = (f"--accounts={CLIENTS}", f"--markets={MARKETS}")
        terms = (f"--{name}={figure}" for name, figure in figures.items())
        async with (
            ServerChild("load_tests.gateway", url, *sizes) as gateway,
            ServerChild("load_tests.baselines.crud", url, *sizes, *terms) as crud,
        ):
            ours, theirs = Side(gateway), Side(crud)
            for seed in range(options.runs + 1):
                if seed == 0:
                    await ours.trade(WARM_UP_ORDERS, seed)
                    await theirs.trade(WARM_UP_ORDERS, seed)
                    continue
                await ours.measure(options.scaled(ORDERS_PER_CLIENT), seed)
                await theirs.measure(options.scaled(BASELINE_ORDERS_PER_CLIENT), seed)
            stored = await crud.ask("fills")
        check_fills("crud", fills=stored, answered=theirs.answered)
        check_fills("order_rest", fills=await count_fills(url), answered=ours.answered)
    baseline = statistics.median(theirs.rates)
    return Result(
        name="order_rest",
        value=statistics.median(ours.rates),
        unit="orders/s",
        baseline=baseline,
        baseline_name="FastAPI + SQLAlchemy",
        goal=GOAL_RATIO * baseline,
        details={
            "runs": options.runs,
            "ours": ours.details(),
            "crud": theirs.details(),
            "sizes": {"clients": CLIENTS, "markets": MARKETS, "answered": [ours.answered, theirs.answered]},
        },
    )
