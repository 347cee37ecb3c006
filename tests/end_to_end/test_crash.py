import random
from pathlib import Path

import pytest

from ledger.failpoints import POINTS
from tests.campaigns.crash.cycles import run_world
from tests.campaigns.crash.plan import TIMED, draw_slice
from tests.campaigns.crash.running import Nursery
from tests.campaigns.crash.summary import Summary


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_nothing_is_lost_or_done_twice_when_killed_at_any_point(tmp_path: Path) -> None:
    summary, told = Summary(), list[str]()
    plan = draw_slice(random.Random(7))
    nursery = Nursery()
    await nursery.open()
    try:
        await run_world(plan, nursery, tmp_path, random.Random(8), summary, told.append, reach_s=60.0)
    finally:
        await nursery.close()

    assert summary.cycles == len(plan)
    assert [point for point in POINTS if point not in summary.kills] == []
    assert all(summary.kills[f"{target} at a random moment"] for target in TIMED)
    assert (summary.lost, summary.doubled) == (0, 0)
    assert summary.orders > len(plan)
    assert summary.states > 0
    assert "replay to one state" in told[-1]
