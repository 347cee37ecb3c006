"""``taobourse projections`` and ``taobourse verify projections`` as a person runs them."""

import json

import asyncpg

from app.projections.catalogue import FOLDS
from app.projections.projector import Projector
from ledger.log.postgres import PostgresLog
from tests.integration.test_log_commands import taobourse
from tests.support.history import busy_market


async def test_status_rebuild_and_verify_tell_how_history_stands(postgres_url: str) -> None:
    log = PostgresLog(postgres_url)
    await log.open()
    past = busy_market(2)
    batch = next(past)
    await log.append(batch)
    await Projector(postgres_url).catch_up()
    await log.append(next(past))
    await log.close()

    behind = await taobourse("projections", "status", "--json", url=postgres_url)
    verified = await taobourse("verify", "projections", "--json", url=postgres_url)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(
        "UPDATE history_fills SET fee = fee + 1 WHERE number = (SELECT min(number) FROM history_fills)"
    )
    differs = await taobourse("verify", "projections", url=postgres_url)
    rebuilt = await taobourse("projections", "rebuild", "all", url=postgres_url)
    sound = await taobourse("verify", "projections", url=postgres_url)
    unknown = await taobourse("projections", "rebuild", "nothing", url=postgres_url)
    level = await taobourse("projections", "status", url=postgres_url)
    await connection.close()

    assert {one["lag_batches"] for one in json.loads(behind[1][-1])["projections"].values()} == {1}
    assert (verified[0], json.loads(verified[1][-1])["projections"]["orders"]["seq"]) == (0, batch.last_seq)
    assert differs[0] == 7
    assert "projection_differs: history_fills number " in differs[2]
    assert (rebuilt[0], len(rebuilt[1])) == (0, len(FOLDS))
    assert (sound[0], len(sound[1])) == (0, len(FOLDS))
    assert unknown[0] == 2
    assert level[1][1].endswith("0 batches and 0 ms behind")
