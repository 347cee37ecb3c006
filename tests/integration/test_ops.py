"""An operator's decisions stand in the log, and are taken only while the exchange rests."""

import json

import pytest

from app.ops import open_desk
from ledger.engine.api import Request
from ledger.engine.layout import CommandKind, Halt, Stage
from ledger.engine.records import command, request
from ledger.errors import Refusal
from ledger.log.errors import LogHeld
from ledger.log.postgres import PostgresLog
from tests.integration.test_log_commands import taobourse


def text_request(kind: CommandKind, text: bytes, **meanings: int) -> Request:
    record = command(kind, **meanings)
    record["payload"] = 1
    return request(record, payloads=[text])


async def test_a_halt_outlives_the_operator_and_is_cleared_by_the_next(postgres_url: str) -> None:
    async with open_desk(postgres_url) as desk:
        assert (await desk.set_halt(Halt.MONEY, on=True)).code == 0

    async with open_desk(postgres_url) as desk:
        assert desk.views.halts().money
        assert (await desk.set_halt(Halt.MONEY, on=False)).code == 0

    async with open_desk(postgres_url) as desk:
        assert not desk.views.halts().money


async def test_suspense_needs_two_different_operators_and_something_in_it(postgres_url: str) -> None:
    async with open_desk(postgres_url) as desk:
        alone = await desk.resolve_suspense(5, netuid=None, is_alpha=False, account=0, operators=(3, 3))
        empty = await desk.resolve_suspense(5, netuid=None, is_alpha=False, account=0, operators=(3, 4))

    assert (alone.code, empty.code) == (Refusal.SAME_OPERATOR, Refusal.SUSPENSE_SHORT)


async def test_nobody_decides_beside_a_running_exchange(postgres_url: str) -> None:
    running = PostgresLog(postgres_url)
    await running.open()

    with pytest.raises(LogHeld):
        async with open_desk(postgres_url):
            pass
    code, _, told = await taobourse("ops", "clear", "money", url=postgres_url)

    assert code == 3
    assert "unavailable" in told
    await running.close()


async def test_the_command_line_tells_and_changes_halts(postgres_url: str) -> None:
    assert await taobourse("ops", "halt", "signer", url=postgres_url) == (0, ["done"], "")

    code, lines, _ = await taobourse("ops", "status", url=postgres_url)

    assert code == 0
    assert json.loads(lines[0])["signer_halted"] is True
    assert (await taobourse("ops", "halt", "everything", url=postgres_url))[0] == 2


async def test_the_exposure_of_every_market_is_read_beside_a_running_exchange(postgres_url: str) -> None:
    async with open_desk(postgres_url) as desk:
        await desk.sequencer.submit(text_request(CommandKind.ADD_HOTKEY, bytes(31) + b"\x01", hotkey=1))
        await desk.sequencer.submit(
            text_request(CommandKind.LIST_MARKET, b"{}", netuid=7, stage=Stage.ONLINE, hotkey=1, registered_at=1)
        )
        code, lines, _ = await taobourse("ops", "exposure", "--json", url=postgres_url)

    assert code == 0
    market = json.loads(lines[0])[0]
    assert (market["netuid"], market["result"], market["need"]) == (7, "0", "0")
