"""Resident memory of one engine with a million customers, eight million balances and a million open orders, megabytes.

A process of its own builds it through the engine itself, 1 000 records at a time, and times every batch: the longest
among those in which a table grew is the pause that every customer would have seen. The baseline holds the same
balances and orders in plain Python dictionaries, few rules and no texts; it is measured on a part, and multiplied.
"""

import asyncio
import json
import statistics
import sys
from asyncio.subprocess import PIPE
from typing import Any

from load_tests.driver import Options
from load_tests.report import Result

CUSTOMERS = 1_000_000
BALANCES_PER_CUSTOMER = 8
ORDERS = 1_000_000
BASELINE_PART = 10
"""The baseline is measured on a tenth: it takes the same for every row."""
RUNS_MAX = 2
"""Memory hardly differs from one build to the next."""
GOAL_MB = 2_000
PAUSE_GOAL_MS = 50


async def run(options: Options) -> Result:
    """Build both, and return the medians."""
    customers, orders = max(1_000, options.scaled(CUSTOMERS)), max(1_000, options.scaled(ORDERS))
    runs = min(options.runs, RUNS_MAX)
    found = [await _child("load_tests.populous_engine", customers, orders) for _ in range(runs)]
    part = [max(100, count // BASELINE_PART) for count in (customers, orders)]
    plain = await _child("load_tests.baselines.engine_in_dicts", *part)
    resident = statistics.median(one["resident_mb"] for one in found)
    balances = found[0]["sizes"]["balances"]
    return Result(
        name="engine_memory",
        value=resident,
        unit="MB",
        baseline=plain["program_mb"] + (plain["resident_mb"] - plain["program_mb"]) * customers / part[0],
        baseline_name=f"balances and orders in dictionaries, {part[0]:,} customers measured and multiplied",
        goal=GOAL_MB,
        less_is_better=True,
        details={
            "runs": runs,
            "bytes_per_balance": round(resident * 1e6 / balances),
            "engine": found,
            "pause": {
                "longest_ms": statistics.median(one["growth"]["longest_ms"] for one in found),
                "longest_cpu_ms": statistics.median(one["growth"]["longest_cpu_ms"] for one in found),
                "goal_ms": PAUSE_GOAL_MS,
            },
            "plain": plain,
        },
    )


async def _child(module: str, customers: int, orders: int) -> dict[str, Any]:
    """Return what a builder's process tells in the last line of its output."""
    arguments = (str(customers), str(BALANCES_PER_CUSTOMER), str(orders))
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, stdout=PIPE)
    answer, _ = await process.communicate()
    if process.returncode != 0:
        raise ChildProcessError(f"{module} ended with {process.returncode}")
    told: dict[str, Any] = json.loads(answer)
    return told
