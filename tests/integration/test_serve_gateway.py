"""A gateway whose engine is in another process: its answers while that is away, and the seq that each of them tells."""

from pathlib import Path

import httpx
import pytest

from app.serve.remote import RemoteSequencer
from app.serve.tail import PostgresTail
from ledger.log.base import EMPTY_HEAD
from tests.support import small_exchange as kit
from tests.support.small_exchange import ALICE, Client, SmallExchange


def no_engine() -> RemoteSequencer:
    """Return a sequencer whose process is not there."""
    path = Path("/nowhere/engine.sock")
    return RemoteSequencer(path, name="test", head=EMPTY_HEAD, tail=PostgresTail(""), on_fatal=print)


@pytest.fixture
async def exchange() -> SmallExchange:
    built = await kit.build()
    remote = no_engine()
    built.parts.sequencer = remote
    built.parts.is_ready = lambda: remote.is_connected
    built.parts.name = "gateway-7"
    return built


async def test_without_an_engine_orders_are_refused_with_a_time_to_ask_again_and_reads_go_on(
    exchange: SmallExchange,
) -> None:
    async with kit.serve(exchange), httpx.AsyncClient(base_url=exchange.rest) as http:
        alice = Client(http, exchange.keys[ALICE])
        told = await alice.private("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="5")
        answer = await http.post("/0/private/CancelAll")
        firm = await alice.v1("POST", "/v1/firm-quotes", {"symbol": "SN1/TAO", "side": "buy", "volume": "5"})
        ready = await http.get("/readyz")

        assert told["error"] == ["EService:Unavailable"]
        assert told["reason"]["code"] == "engine_unavailable"
        assert answer.status_code == 200
        assert (firm.status_code, firm.headers["retry-after"]) == (503, "1")
        assert (ready.status_code, ready.headers["retry-after"]) == (503, "1")
        assert ready.json() == {"ready": False, "seq": exchange.replica.seq, "gateway": "gateway-7"}
        assert (await alice.ok("Balance"))["TAO"]
        assert (await http.get("/0/public/Depth", params={"pair": "SN1TAO"})).json()["error"] == []
        assert (await http.get("/healthz")).status_code == 200


async def test_every_answer_tells_the_seq_that_it_reflects(exchange: SmallExchange) -> None:
    seq = str(exchange.replica.seq)
    async with kit.serve(exchange), httpx.AsyncClient(base_url=exchange.rest) as http:
        for path in ("/0/public/Time", "/0/public/Ticker", "/v1/markets", "/readyz", "/0/nothing", "/nothing"):
            assert (await http.get(path)).headers["x-taobourse-seq"] == seq, path
        await exchange.import_head()
        assert int((await http.get("/0/public/Time")).headers["x-taobourse-seq"]) == exchange.replica.seq > int(seq)


async def test_an_order_that_finds_no_engine_says_when_to_ask_again(exchange: SmallExchange) -> None:
    async with kit.serve(exchange), httpx.AsyncClient(base_url=exchange.rest) as http:
        headers: list[httpx.Headers] = []

        async def keep(response: httpx.Response) -> None:
            headers.append(response.headers)

        http.event_hooks["response"].append(keep)
        await Client(http, exchange.keys[ALICE]).private("CancelAll")

        assert headers[-1]["retry-after"] == "1"
