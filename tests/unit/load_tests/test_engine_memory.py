"""The engine whose memory is measured holds what the scenario says, and growth is told apart from work."""

import asyncio
import random

from load_tests.baselines.engine_in_dicts import DictState
from load_tests.driver import Options
from load_tests.populous_engine import Builder
from load_tests.recorded import TRADERS
from load_tests.scenarios import engine_memory


def test_every_customer_has_its_balances_and_every_order_rests() -> None:
    builder = Builder()
    asyncio.run(builder.open())
    builder.fill(TRADERS + 500, 3, 700)

    told = builder.told()
    assert told["sizes"]["accounts"] == TRADERS + 500
    assert told["sizes"]["live_orders"] == 700
    assert told["sizes"]["balances"] >= 3 * (TRADERS + 500)
    assert told["growth"]["steps"] > 0
    assert {"balances", "balance_index"} <= set(" ".join(names for _, _, names in builder.growing).split())


def test_the_baseline_holds_the_same_rows() -> None:
    state = DictState()
    state.fill(50, 3, 70, random.Random(1))

    assert len(state.balances) == 150
    assert len(state.orders) == sum(map(len, state.books)) == len(state.answers) == 70
    assert sum(balance.held for balance in state.balances.values()) == sum(
        order.held for order in state.orders.values()
    )


async def test_a_small_run_tells_memory_and_the_longest_pause() -> None:
    result = await engine_memory.run(Options(runs=1, scale=0.001))

    assert (result.name, result.unit, result.less_is_better) == ("engine_memory", "MB", True)
    assert result.value > result.details["engine"][0]["program_mb"] > 0
    assert result.details["pause"]["longest_ms"] > 0
    assert result.baseline > 0
