"""Mixed orders per second through the compiled engine alone: 45 % placed, 35 % cancelled, 20 % taken on the curve.

128 markets, every rule, one core, batches of 1 000 commands as records with client ids: what is measured is one call
of ``decide_all`` per batch, with the checks of laws and the copy of its events. Orders rest around the price, in a book
that fills to a steady depth. The same commands are decided once before, on another engine, to know the ids that
cancels name. ``weighted`` is the same at weight 0.4. The baseline is an exchange in plain Python with few rules.
"""

import asyncio
import statistics
import time

import numpy as np

from ledger.engine.api import Answer, Request
from ledger.engine.layout import COMMAND, CommandKind, Flag, Records
from ledger.engine.machine import Engine
from load_tests.baselines.python_book import PythonBook
from load_tests.driver import Options
from load_tests.opening import DEPOSIT_TAO, FEE_RATE, MARKETS, POOL_ALPHA, POOL_TAO, TAKER_PPM, TAO, WEIGHT, Opening
from load_tests.report import Result, spread

BATCH = 1_000
BATCHES_PER_RUN = 300
ACCOUNTS = 1_000
WEIGHTED = 4 * 10**17
PLACED, CANCELLED = 450, 350
TS_MS = 1_800_000_000_000
GOAL = 2_000_000
PRICE = POOL_TAO * 10**9 // POOL_ALPHA


class Driver:
    """One engine that is open for trading."""

    def __init__(self, weight: int) -> None:
        self.engine = Engine()
        asyncio.run(Opening(self._submit, accounts=ACCOUNTS, weight=weight).open())

    async def _submit(self, request: Request) -> Answer:
        answer: Answer = self.engine.decide(TS_MS, [request]).answers[0]
        return answer

    def run(self, commands: Records) -> Records:
        """Decide one batch and return its decisions."""
        return self.engine.run_kernel(TS_MS, commands, np.zeros(len(commands), np.int64))[1]


def draw_load(driver: Driver, batches: int, seed: int) -> list[Records]:
    """Return the batches of one run, decided on ``driver`` to know the ids of its orders."""
    draw = np.random.default_rng(seed)
    live: list[tuple[int, int]] = []
    load = []
    for _ in range(batches):
        commands = np.zeros(BATCH, COMMAND)
        commands["account"] = draw.integers(1, ACCOUNTS + 1, BATCH)
        commands["netuid"] = draw.integers(1, MARKETS + 1, BATCH)
        for word in ("id_hi", "id_lo", "digest"):
            commands[word] = draw.integers(1, 2**63 - 1, BATCH)
        kinds = draw.permutation(BATCH)
        placed, cancelled, taken = kinds[:PLACED], kinds[PLACED : PLACED + CANCELLED], kinds[PLACED + CANCELLED :]
        commands["kind"][placed] = CommandKind.PLACE_ORDER
        commands["flags"][placed] = int(Flag.LIMIT)
        commands["amount"][placed] = draw.integers(TAO // 100, TAO, PLACED)
        commands["limit"][placed] = PRICE * draw.integers(900_000, 998_000, PLACED) // 1_000_000
        commands["kind"][taken] = CommandKind.PLACE_ORDER
        commands["flags"][taken] = int(Flag.IN_QUOTE)
        commands["tao"][taken] = draw.integers(TAO // 1_000, TAO // 100, len(taken))
        commands["aux"][taken] = 5_000
        commands["kind"][cancelled] = CommandKind.CANCEL_ORDER
        for position in cancelled.tolist():
            if live:
                order_id, account = live.pop(int(draw.integers(len(live))))
                commands["order_id"][position], commands["account"][position] = order_id, account
        decisions = driver.run(commands)
        resting = placed[decisions["code"][placed] == 0]
        live += zip(decisions["reference"][resting].tolist(), commands["account"][resting].tolist(), strict=True)
        load.append(commands)
    return load


def measure_ours(weight: int, batches: int, seed: int) -> tuple[float, dict[str, int]]:
    """Return commands per second, and what became of them."""
    load = draw_load(Driver(weight), batches, seed)
    driver = Driver(weight)
    driver.run(load[0])  # what is loaded once is loaded now
    begun = time.perf_counter()
    refused = sum(int(np.count_nonzero(driver.run(commands)["code"])) for commands in load[1:])
    taken = time.perf_counter() - begun
    scalars = driver.engine.state.scalars[0]
    told = {"commands": (batches - 1) * BATCH, "refused": refused, "resting": int(scalars["live_orders"])}
    return told["commands"] / taken, told


def measure_baseline(batches: int, seed: int) -> float:
    """Return commands per second of the exchange in plain Python, on the same kind of load."""
    book = PythonBook(
        markets=MARKETS,
        reserves=(POOL_TAO, POOL_ALPHA),
        rate=FEE_RATE,
        ppm=TAKER_PPM,
        funds=[DEPOSIT_TAO] * ACCOUNTS,
    )
    draw = np.random.default_rng(seed)
    count = batches * BATCH
    accounts = draw.integers(1, ACCOUNTS + 1, count).tolist()
    markets = draw.integers(1, MARKETS + 1, count).tolist()
    choices = draw.random(count).tolist()
    amounts = draw.integers(TAO // 100, TAO, count).tolist()
    prices = (PRICE * draw.integers(900_000, 998_000, count) // 1_000_000).tolist()
    picks = draw.random(count).tolist()
    live: list[tuple[int, int]] = []
    begun = time.perf_counter()
    for account, market, choice, amount, price, pick in zip(
        accounts, markets, choices, amounts, prices, picks, strict=True
    ):
        if choice < PLACED / BATCH:
            order_id = book.place(account, market, amount, price)
            if order_id:
                live.append((order_id, account))
        elif choice < (PLACED + CANCELLED) / BATCH:
            if live:
                position = int(pick * len(live))
                live[position], live[-1] = live[-1], live[position]
                order_id, owner = live.pop()
                book.cancel(owner, order_id)
        else:
            book.take(account, market, amount // 100)
    return count / (time.perf_counter() - begun)


async def run(options: Options) -> Result:
    """Measure engine and plain Python in turns, and return the medians."""
    batches = max(options.scaled(BATCHES_PER_RUN), 3)
    rates, weighted, baselines = [], [], []
    told: dict[str, int] = {}
    for seed in range(1, options.runs + 1):
        rate, told = await asyncio.to_thread(measure_ours, WEIGHT, batches, seed)
        rates.append(rate)
        weighted.append((await asyncio.to_thread(measure_ours, WEIGHTED, batches, seed))[0])
        baselines.append(measure_baseline(batches, seed))
    return Result(
        name="engine_kernel",
        value=statistics.median(rates),
        unit="orders/s",
        baseline=statistics.median(baselines),
        baseline_name="books and balances in plain Python, few rules",
        goal=GOAL,
        details={
            "runs": options.runs,
            "orders": spread(rates),
            "weighted": spread(weighted),
            "python_book": spread(baselines),
            "load": told,
        },
    )
