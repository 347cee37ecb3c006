"""What a hostile or broken client may send: the process lives on, nothing changed, and the answer says why."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import pytest

from app.gateway.auth import sign
from app.gateway.limits import Limits
from app.settings import GatewaySettings
from tests.support import small_exchange as kit
from tests.support.small_exchange import ALICE, BOB, Client, SmallExchange

FORM = "application/x-www-form-urlencoded"
PATH = "/0/private/AddOrder"
GOOD = {"pair": "SN1TAO", "type": "buy", "ordertype": "market", "volume": "5"}


@pytest.fixture
async def exchange() -> AsyncIterator[SmallExchange]:
    built = await kit.build()
    async with kit.serve(built):
        seq, state = built.replica.seq, built.engine.state_hash()
        yield built
        # Whatever was sent: it still answers, and neither log nor state moved.
        async with httpx.AsyncClient(base_url=built.rest) as http:
            assert (await http.get("/healthz")).status_code == 200
            assert (await Client(http, built.keys[BOB]).ok("Balance")) == {"TAO": "10.000000000"}
        assert (built.replica.seq, built.engine.state_hash()) == (seq, state)


@pytest.mark.parametrize(
    ("changed", "error", "value"),
    [
        ({"pair": "SN9TAO"}, "EQuery:Unknown asset pair", "SN9TAO"),
        ({"pair": "SN1TAO\x00"}, "EQuery:Unknown asset pair", "SN1TAO\x00"),
        ({"volume": "0"}, "EGeneral:Invalid arguments:volume", "0"),
        ({"volume": "-5"}, "EGeneral:Invalid arguments:volume", "-5"),
        ({"volume": "5.123456789"}, "EGeneral:Invalid arguments:volume", "5.123456789"),
        ({"volume": "9" * 60}, "EGeneral:Invalid arguments:volume", "9" * 60),
        ({"volume": "1" * 20_000}, "EGeneral:Invalid arguments:volume", "1" * 120),
        ({"volume": "NaN"}, "EGeneral:Invalid arguments:volume", "NaN"),
        ({"volume": "Infinity"}, "EGeneral:Invalid arguments:volume", "Infinity"),
        ({"volume": "1e5"}, "EGeneral:Invalid arguments:volume", "1e5"),
        ({"volume": "0x10"}, "EGeneral:Invalid arguments:volume", "0x10"),
        ({"volume": "5,5"}, "EGeneral:Invalid arguments:volume", "5,5"),
        ({"volume": "\u0665"}, "EGeneral:Invalid arguments:volume", "\u0665"),
        ({"volume": "21000001"}, "EGeneral:Invalid arguments:volume", "21000001"),
        ({"ordertype": "limit", "price": "-1"}, "EGeneral:Invalid arguments:price", "-1"),
        ({"ordertype": "limit", "price": "1" + "0" * 20}, "EGeneral:Invalid arguments:price", "1" + "0" * 20),
        ({"userref": "1" * 400}, "EGeneral:Invalid arguments:userref", "1" * 120),
        ({"type": "'; DROP TABLE event_pages; --"}, "EGeneral:Invalid arguments:type", None),
    ],
)
async def test_an_impossible_order_is_refused_with_its_value(
    alice: Client, changed: dict[str, str], error: str, value: str | None
) -> None:
    told = await alice.private("AddOrder", **(GOOD | changed), validate="true")

    assert told["error"] == [error]
    assert told["reason"]["code"]
    if value is not None:
        assert told["reason"]["value"] == value


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{}",
        b"[1, 2",
        b'{"nonce": "1", "a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"nonce": NaN}',
        b'{"nonce": "\xff"}',
        b"\x00" * 100,
        b"nonce=%ff",
        b"nonce=1&nonce=2",
        b"&".join(b"f%d=1" % i for i in range(2_000)),
        b"",
    ],
)
async def test_bytes_that_are_no_request_are_refused(alice: Client, body: bytes) -> None:
    for content_type in (FORM, "application/json", "text/plain", "\u00e4"):
        headers = [
            (b"API-Key", alice.key.key.encode()),
            (b"API-Sign", sign(PATH, "1", body, base64.b64decode(alice.key.secret)).encode()),
            (b"Content-Type", content_type.encode("latin-1")),
        ]

        answer = await alice.http.post(PATH, content=body, headers=headers)

        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        (error,) = answer.json()["error"]
        refusals = ("EGeneral:Invalid arguments", "EAPI:Invalid signature", "EAPI:Invalid nonce")
        assert error.startswith(refusals)


async def test_a_hundred_thousand_nested_arrays_are_refused(exchange: SmallExchange, alice: Client) -> None:
    body = b'{"nonce": "5", "pair": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"

    told = await alice.send(PATH, body, "5", content_type="application/json")

    assert (told["error"], told["reason"]["code"]) == (["EGeneral:Invalid arguments"], "malformed_request")
    huge = b'{"nonce": "5", "pair": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    told = await alice.send(PATH, huge, "5", content_type="application/json")
    assert told["reason"]["code"] == "body_too_large"


async def test_a_body_above_the_limit_is_not_read(exchange: SmallExchange, alice: Client) -> None:
    limit = exchange.parts.settings.body_bytes_max
    answer = await alice.http.post(PATH, content=b"a=" + b"x" * limit, headers={"API-Key": alice.key.key})

    assert answer.status_code == 200
    assert answer.json()["reason"] == {
        "code": "body_too_large",
        "value": str(limit + 2),
        "bound": str(limit),
    }
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("size", [1_000_000, 20_000_000])
async def test_a_client_that_sends_far_too_much_still_gets_its_answer(alice: Client, size: int) -> None:
    told = (await alice.http.post(PATH, content=b"x" * size, headers={"API-Key": alice.key.key})).json()

    assert told["reason"]["value"] == str(size)


async def test_a_body_without_a_stated_length_is_cut_off_at_the_limit(exchange: SmallExchange, alice: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield b"x" * 1_024

    answer = await alice.http.post(PATH, content=endless(), headers={"API-Key": alice.key.key})

    assert answer.json()["reason"]["code"] == "body_too_large"


async def test_signatures_keys_and_nonces_that_are_wrong_are_told_apart(exchange: SmallExchange, alice: Client) -> None:
    nonce = alice.next_nonce()
    body = urlencode({"nonce": nonce}).encode()
    path = "/0/private/Balance"
    right = sign(path, nonce, body, base64.b64decode(alice.key.secret))
    other = sign("/0/private/BalanceEx", nonce, body, base64.b64decode(alice.key.secret))

    async def post(key: str, signature: str) -> list[str]:
        headers = {"API-Key": key, "API-Sign": signature, "Content-Type": FORM}
        told: list[str] = (await alice.http.post(path, content=body, headers=headers)).json()["error"]
        return told

    assert await post("nobody", right) == ["EAPI:Invalid key"]
    assert await post("", right) == ["EAPI:Invalid key"]
    assert await post(alice.key.key, "") == ["EAPI:Invalid signature"]
    assert await post(alice.key.key, "%%%") == ["EAPI:Invalid signature"]
    assert await post(alice.key.key, other) == ["EAPI:Invalid signature"]
    assert await post(exchange.keys[BOB].key, right) == ["EAPI:Invalid signature"]
    assert await post(alice.key.key, right) == []
    assert await post(alice.key.key, right) == ["EAPI:Invalid nonce"]


async def test_unknown_methods_and_paths_are_told_so(alice: Client) -> None:
    assert (await alice.public("Nothing"))["error"] == ["EGeneral:Unknown method"]
    assert (await alice.private("Nothing"))["error"] == ["EGeneral:Unknown method"]
    assert (await alice.http.get("/0/private/Balance")).json()["error"] == ["EGeneral:Unknown method"]
    assert (await alice.public("Depth", pair="SN1TAO", count="0"))["reason"]["value"] == "0"
    assert (await alice.public("Depth"))["error"] == ["EGeneral:Invalid arguments:pair"]
    assert (await alice.public("Trades", pair="SN1TAO", since="yesterday"))["reason"]["value"] == "yesterday"
    assert (await alice.public("Ticker", pair=",".join(["SN1TAO"] * 500)))["reason"]["code"] == "too_many"


@pytest.mark.parametrize(
    ("verb", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1/nowhere", 404, "not_found"),
        ("PUT", "/v1/withdrawal-addresses", 405, "method_not_allowed"),
        ("POST", "/healthz", 405, "method_not_allowed"),
    ],
)
async def test_what_the_routing_refuses_is_a_problem_with_a_code(
    alice: Client, verb: str, path: str, status: int, code: str
) -> None:
    answer = await alice.http.request(verb, path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json()["code"], answer.json()["value"]) == (code, path)


@pytest.mark.parametrize(
    ("verb", "path"),
    [("GET", "/0"), ("GET", "/0/"), ("GET", "/0/public"), ("GET", "/0/x/Time"), ("PUT", "/0/private/Balance")],
)
async def test_everything_below_0_is_answered_with_the_envelope(alice: Client, verb: str, path: str) -> None:
    answer = await alice.http.request(verb, path)

    assert (answer.status_code, answer.json()["error"]) == (200, ["EGeneral:Unknown method"])


@pytest.mark.parametrize(
    ("method", "fields", "name"),
    [
        ("OHLC", {}, "pair"),
        ("OHLC", {"pair": "SN1TAO", "interval": "0"}, "interval"),
        ("OHLC", {"pair": "SN1TAO", "interval": "2"}, "interval"),
        ("OHLC", {"pair": "SN1TAO", "since": "-1"}, "since"),
        ("OHLC", {"pair": "SN1TAO", "since": "1e9"}, "since"),
        ("Spread", {"pair": "SN1TAO", "since": "x"}, "since"),
    ],
)
async def test_charts_name_the_field_that_is_wrong(
    alice: Client, method: str, fields: dict[str, str], name: str
) -> None:
    assert (await alice.public(method, **fields))["error"] == [f"EGeneral:Invalid arguments:{name}"]


@pytest.mark.parametrize(
    ("method", "fields", "error"),
    [
        ("Ledgers", {"type": "bribe"}, "EGeneral:Invalid arguments:type"),
        ("Ledgers", {"asset": "DOGE"}, "EQuery:Unknown asset"),
        ("Ledgers", {"start": "yesterday"}, "EGeneral:Invalid arguments:start"),
        ("Ledgers", {"start": "\u0661"}, "EGeneral:Invalid arguments:start"),
        ("Ledgers", {"ofs": "-1"}, "EGeneral:Invalid arguments:ofs"),
        ("QueryLedgers", {}, "EGeneral:Invalid arguments:id"),
        ("QueryLedgers", {"id": ",".join(["L"] * 21)}, "EGeneral:Invalid arguments:id"),
        ("QueryTrades", {"txid": ",".join(["T"] * 21)}, "EGeneral:Invalid arguments:txid"),
        ("QueryOrders", {"txid": ",".join(["O"] * 51)}, "EGeneral:Invalid arguments:txid"),
        ("TradeVolume", {"pair": "DOGETAO"}, "EQuery:Unknown asset pair"),
        ("AddOrderBatch", {"pair": "SN1TAO"}, "EGeneral:Invalid arguments:orders"),
        ("AddOrderBatch", {"pair": "SN1TAO", "orders[0]": "x", "orders[1][": "x"}, "EGeneral:Invalid arguments:orders"),
        ("CancelOrderBatch", {}, "EGeneral:Invalid arguments:orders"),
        ("CancelOrderBatch", {"orders": ",".join(["1"] * 51)}, "EGeneral:Invalid arguments:orders"),
        ("CancelOrderBatch", {"orders": "9" * 30}, "EGeneral:Invalid arguments:orders"),
        ("DepositStatus", {"cursor": "nonsense"}, "EGeneral:Invalid arguments:cursor"),
        ("WithdrawStatus", {"limit": "0"}, "EGeneral:Invalid arguments:limit"),
        ("WithdrawCancel", {"asset": "TAO"}, "EGeneral:Invalid arguments:refid"),
    ],
)
async def test_private_reads_and_batches_name_what_is_wrong(
    alice: Client, method: str, fields: dict[str, str], error: str
) -> None:
    assert (await alice.private(method, **fields))["error"] == [error]


async def test_an_amount_beyond_all_coins_is_told_the_most_there_can_be(alice: Client) -> None:
    told = await alice.private("AddOrder", **{**GOOD, "volume": "21000001"})

    assert told["reason"]["bound"] == "at most 21000000"


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00" + random.Random(64).randbytes(64),
        b"POST /0/private/Balance HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"POST /0/private/Balance HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /0/private/Balance HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /0/private/Balance HTTP/1.1\r\nX: " + b"y" * 1_000_000,
        b"\r\n" * 100,
    ],
)
async def test_bytes_that_are_no_http_are_dropped(exchange: SmallExchange, raw: bytes) -> None:
    host, port = exchange.rest.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw)
    writer.write_eof()
    try:
        async with asyncio.timeout(10):
            answer = await reader.read()
    except ConnectionResetError:
        answer = b""
    writer.close()

    assert b" 200 " not in answer.split(b"\r\n")[0]


async def test_limits_refuse_in_the_words_of_the_interface() -> None:
    built = await kit.build(limits=Limits())
    async with kit.serve(built), httpx.AsyncClient(base_url=built.rest) as http:
        alice = Client(http, built.keys[ALICE])
        private = [(await alice.private("Balance"))["error"] for _ in range(21)]
        public = [(await alice.public("Time"))["error"] for _ in range(21)]
        orders = [(await alice.private("AddOrder", **GOOD, validate="true"))["error"] for _ in range(181)]
        strangers = [
            (await http.post("/0/private/Balance", headers={"API-Key": "nobody"})).json()["error"] for _ in range(21)
        ]

    assert private == [[]] * 20 + [["EAPI:Rate limit exceeded"]]
    assert public == [[]] * 20 + [["EGeneral:Too many requests"]]
    assert orders == [[]] * 180 + [["EOrder:Rate limit exceeded"]]
    assert strangers == [["EAPI:Invalid key"]] * 20 + [["EGeneral:Temporary lockout"]]


async def test_a_stopped_engine_is_told_as_unavailable() -> None:
    built = await kit.build(settings=GatewaySettings(port=0))
    async with kit.serve(built), httpx.AsyncClient(base_url=built.rest) as http:
        await built.sequencer.stop()
        alice = Client(http, built.keys[ALICE])

        told = await alice.private("AddOrder", **GOOD)

        assert (told["error"], told["reason"]["code"]) == (["EService:Unavailable"], "sequencer_stopped")
        assert (await alice.ok("Balance"))["TAO"] == "1000.000000000"
