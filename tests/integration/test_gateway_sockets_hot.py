"""The short way of trading requests against the general one: same answers, same log, whatever is asked."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from app.gateway.feeds.trading import Session
from app.gateway.limits import Limits, Rate, Tier
from ledger.codec import Batch
from ledger.engine.layout import EventKind
from ledger.log.memory import MemoryLog
from tests.support import small_exchange as kit
from tests.support.small_exchange import ALICE, Client, SmallExchange
from tests.support.sockets import receive

SYMBOL = "SN1/TAO"
LIMIT = {"order_type": "limit", "side": "buy", "symbol": SYMBOL, "order_qty": 5, "limit_price": 0.0199}
MARKET = {"order_type": "market", "side": "sell", "symbol": SYMBOL, "order_qty": 1.5}
ELEMENT = {"order_type": "limit", "side": "buy", "order_qty": 2, "limit_price": 0.0199}
MARKET_ELEMENT = {"order_type": "market", "side": "buy", "order_qty": 2}
UUID = "6d1b345e-2821-40e2-ad83-4ecb18a06876"
PLACED = "order_id of the last order"
TIMES = ("time_in", "time_out")
ID_FIELDS = ["id_hi", "id_lo", "digest"]

Asked = tuple[str, dict[str, Any]]

REQUESTS: dict[str, list[Asked]] = {
    "orders": [
        ("add_order", LIMIT),
        ("add_order", LIMIT | {"cl_ord_id": "mine", "order_userref": -7, "time_in_force": "gtc", "post_only": True}),
        ("add_order", LIMIT | {"cl_ord_id": UUID, "order_userref": 0, "order_qty": "3.00000001"}),
        ("add_order", LIMIT | {"time_in_force": "ioc", "limit_price": 0.03, "order_qty": 0.1}),
        ("add_order", LIMIT | {"time_in_force": "fok", "limit_price": "0.0300"}),
        ("add_order", LIMIT | {"side": "sell", "limit_price": 1000, "order_qty": 1}),
        ("add_order", MARKET),
        ("add_order", MARKET | {"cl_ord_id": 'a"b\\c', "side": "buy"}),
    ],
    "repetitions": [
        ("add_order", LIMIT | {"cl_ord_id": "twice"}),
        ("add_order", LIMIT | {"cl_ord_id": "twice"}),
        ("add_order", LIMIT | {"cl_ord_id": "twice", "order_qty": 6}),
        ("add_order", MARKET | {"cl_ord_id": "twice"}),
        ("cancel_order", {"cl_ord_id": ["twice"]}),
        ("add_order", LIMIT | {"cl_ord_id": "twice"}),
    ],
    "refused by the engine": [
        ("add_order", MARKET | {"order_qty": 4_000_000, "side": "buy"}),
        ("add_order", LIMIT | {"order_qty": 900_000}),
        ("add_order", LIMIT | {"post_only": True, "limit_price": 0.05}),
        ("add_order", LIMIT | {"limit_price": 900_000}),
        ("add_order", LIMIT | {"limit_price": 1e-05, "order_qty": 4_000_000}),
    ],
    "refused at the door": [
        ("add_order", LIMIT | {"symbol": "SN9/TAO"}),
        ("add_order", LIMIT | {"symbol": "SN1TAO"}),
        ("add_order", LIMIT | {"order_qty": 0}),
        ("add_order", LIMIT | {"order_qty": -1}),
        ("add_order", LIMIT | {"order_qty": 0.01}),
        ("add_order", LIMIT | {"order_qty": "1.234567891"}),
        ("add_order", LIMIT | {"order_qty": True}),
        ("add_order", LIMIT | {"order_qty": [1]}),
        ("add_order", LIMIT | {"order_qty": " 1"}),
        ("add_order", LIMIT | {"limit_price": 0.000000001}),
        ("add_order", LIMIT | {"limit_price": None}),
        ("add_order", LIMIT | {"side": "hold"}),
        ("add_order", LIMIT | {"order_type": "iceberg"}),
        ("add_order", LIMIT | {"time_in_force": "gtd"}),
        ("add_order", LIMIT | {"time_in_force": "ioc", "post_only": True}),
        ("add_order", LIMIT | {"cl_ord_id": "x" * 19}),
        ("add_order", LIMIT | {"order_userref": 2**31}),
        ("add_order", LIMIT | {"post_only": "maybe"}),
        ("add_order", MARKET | {"post_only": True}),
        ("add_order", MARKET | {"limit_price": 5}),
        ("batch_add", {"symbol": SYMBOL, "orders": [ELEMENT, MARKET_ELEMENT | {"limit_price": None}]}),
        ("add_order", {}),
        ("add_order", LIMIT | {"token": "unknown"}),
        ("cancel_order", {"order_id": ["OAAAAA-AAAAA-AAAAAA"]}),
        ("cancel_order", {"order_id": []}),
        ("cancel_order", {"cl_ord_id": ["nobody"]}),
        ("amend_order", {"order_id": "OAAAAA-AAAAA-AAAAAA", "order_qty": 2}),
        ("batch_cancel", {"orders": ["OAAAAA-AAAAA-AAAAAA"]}),
        ("batch_add", {"symbol": SYMBOL, "orders": [ELEMENT]}),
        ("batch_add", {"symbol": SYMBOL, "orders": [ELEMENT] * 16}),
        ("batch_add", {"symbol": SYMBOL, "orders": [ELEMENT, ELEMENT | {"side": "hold"}]}),
    ],
    "cancels and amends": [
        ("add_order", LIMIT),
        ("amend_order", {"order_id": PLACED, "order_qty": 4, "limit_price": 0.0198}),
        ("amend_order", {"order_id": PLACED, "order_qty": 900_000}),
        ("amend_order", {"order_id": PLACED, "limit_price": 0.0197}),
        ("amend_order", {"order_id": PLACED, "order_qty": 0.01}),
        ("amend_order", {"order_id": PLACED}),
        ("cancel_order", {"order_id": [PLACED]}),
        ("cancel_order", {"order_id": [PLACED]}),
        ("amend_order", {"order_id": PLACED, "order_qty": 4}),
        ("add_order", LIMIT | {"cl_ord_id": "named"}),
        ("amend_order", {"cl_ord_id": "named", "order_qty": 3}),
        ("cancel_order", {"cl_ord_id": ["named"], "order_id": []}),
        ("add_order", LIMIT),
        ("batch_cancel", {"orders": [PLACED, PLACED]}),
        ("add_order", LIMIT),
        ("add_order", LIMIT),
        ("cancel_all", {}),
        ("cancel_all", {}),
    ],
    "batches": [
        ("batch_add", {"symbol": SYMBOL, "orders": [ELEMENT, MARKET_ELEMENT]}),
        ("batch_add", {"symbol": SYMBOL, "orders": [ELEMENT | {"cl_ord_id": f"b{at}"} for at in range(15)]}),
        ("batch_add", {"symbol": SYMBOL, "orders": [ELEMENT | {"cl_ord_id": "b1"}, ELEMENT | {"order_userref": 3}]}),
        ("batch_add", {"symbol": SYMBOL, "orders": [ELEMENT, ELEMENT | {"order_qty": 900_000}, ELEMENT]}),
        ("batch_add", {"symbol": SYMBOL, "orders": [ELEMENT | {"order_qty": 900_000}] * 2}),
        ("batch_cancel", {"orders": [PLACED]}),
        ("cancel_all", {}),
    ],
}


async def play(requests: Sequence[Asked], *, more: dict[str, Any], limits: Limits | None = None) -> tuple[Any, Any]:
    """Send requests one by one to an exchange of their own; return the answers and the events, but for times and ids.

    ``more``: parameters that stand in every request.
    """
    built = await kit.build(limits=limits)
    answers, last, begun = [], "", built.engine.seq
    async with kit.serve(built), connect(built.rest.replace("http", "ws") + "/v2") as socket:
        token = built.parts.tokens.issue(next(iter(await keys_of(built))), built.clock.now_ms)
        await receive(socket)
        for number, (method, params) in enumerate(requests):
            filled = json.loads(json.dumps(params).replace(PLACED, last))
            message = {"method": method, "params": {"token": token} | filled | more, "req_id": number}
            if method == "cancel_all":
                del message["req_id"]
            await socket.send(json.dumps(message))
            answers.append({name: value for name, value in (await receive(socket)).items() if name not in TIMES})
            last = _placed(answers[-1]) or last
    events: list[Any] = []
    async for batch in built.log.read():
        told = batch.events[batch.events["seq"] > begun].copy()
        for name in (*ID_FIELDS, "payload"):
            told[name] = 0
        texts = [batch.payloads[place - 1] if place else b"" for place in batch.events["payload"].tolist()]
        events += zip(told.tolist(), texts[len(texts) - len(told) :], strict=True)
    return answers, events


async def keys_of(built: SmallExchange) -> list[Any]:
    found = built.replica.find_key(built.keys[ALICE].key)
    return [found]


def _placed(answer: dict[str, Any]) -> str:
    result = answer.get("result")
    if isinstance(result, list):
        result = result[-1]
    return str(result.get("order_id", "")) if isinstance(result, dict) else ""


@pytest.mark.parametrize("name", REQUESTS)
async def test_both_ways_tell_and_do_the_same(name: str) -> None:
    # A parameter nobody knows is ignored, and leaves a request to the general way.
    ours = await play(REQUESTS[name], more={})
    general = await play(REQUESTS[name], more={"unheard": "of"})

    assert ours[0] == general[0]
    assert ours[1] == general[1]


@pytest.mark.parametrize("name", ["orders", "cancels and amends", "batches"])
async def test_both_ways_count_the_same_against_the_limits(name: str) -> None:
    def few() -> Limits:
        return Limits(Tier(Rate(99_000, 0), Rate(9_000, 0), open_orders=2))

    ours = await play(REQUESTS[name], more={}, limits=few())
    general = await play(REQUESTS[name], more={"unheard": "of"}, limits=few())

    assert ours == general
    assert any("Rate limit" in str(answer) or "Orders limit" in str(answer) for answer in ours[0])


async def test_what_is_asked_every_day_goes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: Session, asked: object) -> None:
        raise AssertionError(asked)

    monkeypatch.setattr(Session, "answer", fail)
    requests = [
        *REQUESTS["orders"],
        ("amend_order", {"cl_ord_id": "mine", "order_qty": 3}),
        ("cancel_order", {"cl_ord_id": ["mine"]}),
        *REQUESTS["batches"],
    ]

    answers, _ = await play(requests, more={})

    assert [answer["success"] for answer in answers] == [True] * len(requests)


async def test_orders_of_one_socket_keep_their_order_whichever_way_they_go(
    exchange: SmallExchange, socket: ClientConnection, token: str
) -> None:
    count = 60
    for number in range(count):
        more = {"unheard": "of"} if number % 7 in (2, 3) else {}
        params = {**LIMIT, "token": token, "order_userref": number, "order_qty": 0.1, **more}
        if number % 11 == 5:
            orders = [ELEMENT | {"order_userref": number, "order_qty": 0.1}] * 2
            params = {"symbol": SYMBOL, "token": token, "orders": orders, **more}
        method = "batch_add" if "orders" in params else "add_order"
        await socket.send(json.dumps({"method": method, "params": params, "req_id": number}))
    answers = [await receive(socket) for _ in range(count)]

    assert sorted(answer["req_id"] for answer in answers) == list(range(count))
    assert all(answer["success"] for answer in answers)
    accepted = [
        int(event["other"])
        async for batch in exchange.log.read()
        for event in batch.events
        if event["kind"] == EventKind.ORDER_ACCEPTED
    ]
    assert accepted == sorted(accepted)
    assert len(set(accepted)) == count


class HeldLog(MemoryLog):
    """Writes only while the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()

    async def append(self, batch: Batch) -> None:
        await self.gate.wait()
        await super().append(batch)


async def test_beyond_capacity_orders_are_refused_at_once_cancels_are_served_and_nothing_accepted_is_lost() -> None:
    log = HeldLog()
    built = await kit.build(log=log, inbox_requests=40)
    async with kit.serve(built), connect(built.rest.replace("http", "ws") + "/v2") as socket:
        token = built.parts.tokens.issue((await keys_of(built))[0], built.clock.now_ms)
        await receive(socket)

        async def send(method: str, req_id: int, **params: Any) -> None:
            await socket.send(json.dumps({"method": method, "params": {"token": token, **params}, "req_id": req_id}))

        await send("add_order", 0, **LIMIT)
        standing = (await receive(socket))["result"]["order_id"]
        log.gate.clear()
        # One block is being written; in the inbox there is room for 40 more.
        await send("add_order", 1, **LIMIT)
        await asyncio.sleep(0.05)
        for number in range(2, 42):
            await send("add_order", number, **LIMIT, order_userref=number)
        await asyncio.sleep(0.05)
        begun = asyncio.get_running_loop().time()
        await send("add_order", 42, **LIMIT)
        refused = await receive(socket)
        waited_s = asyncio.get_running_loop().time() - begun
        await send("cancel_order", 43, order_id=[standing])
        await send("ping", 44)
        assert (await receive(socket))["method"] == "pong"
        log.gate.set()
        answers = [await receive(socket) for _ in range(42)]

    assert (refused["req_id"], refused["success"], refused["error"]) == (42, False, "EService:Busy")
    assert waited_s < 1.0
    assert sorted(answer["req_id"] for answer in answers) == [*range(1, 42), 43]
    assert all(answer["success"] for answer in answers)
    placed = [answer["result"]["order_id"] for answer in answers if answer["req_id"] != 43]
    assert len(set(placed)) == 41
    assert built.replica.orders.count_open(ALICE, kit.NETUID) == 41


async def test_the_client_hears_of_an_answer_only_when_reads_show_it(
    exchange: SmallExchange, socket: ClientConnection, token: str, alice: Client
) -> None:
    await socket.send(json.dumps({"method": "add_order", "params": {**LIMIT, "token": token}, "req_id": 1}))
    placed = (await receive(socket))["result"]["order_id"]

    assert list((await alice.ok("OpenOrders"))["open"]) == [placed]
    assert exchange.replica.seq == exchange.engine.seq
