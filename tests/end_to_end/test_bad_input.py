"""What customers and strangers may try against the running demo: refused in words, nothing changed, books equal chain.

One demo serves the whole module; each test compares what it finds with what it found before, so order does not matter.
"""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from async_substrate_interface import AsyncSubstrateInterface
from websockets.asyncio.client import connect

from app.demo.check import compare_custody
from app.demo.client import ExchangeClient, Refused, sign_request
from app.demo.wallet import Wallet, transfer, transfer_stake
from app.link.connection import NodeConnection
from chain.extrinsic import call_value
from chain.keys import KeyPair, ss58_decode, ss58_encode
from tests.support.chain_node import ClientKey

ROOT: Final = Path(__file__).resolve().parents[2]
COMMAND: Final = (sys.executable, "-m", "app.cli", "demo", "--port", "0", "--chain-port", "0")
START_TIMEOUT_S: Final = 180.0
STOP_TIMEOUT_S: Final = 60.0
WAIT_S: Final = 30.0
POLL_S: Final = 0.05
TAO: Final = 10**9
PAIR: Final = "SN1TAO"
STRANGER: Final = "//Bob"
IDLE_HOTKEY: Final = KeyPair.from_uri("//Charlie//hotkey").public
COLD: Final = ss58_encode(KeyPair.from_uri("//Cold//bad-input").public)
FORM: Final = "application/x-www-form-urlencoded"

Told = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A path with blanks that is too long for a socket's name."""
    return tmp_path_factory.mktemp("a folder") / ("deep" * 15) / ("deeper" * 10) / "demo"


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Told]:
    """Run one demo; at the end Ctrl-C must end it with 0 and leave no process behind."""
    process = subprocess.Popen(
        [*COMMAND, "--data-dir", str(folder), "--fast", "--no-rate-limits", "--json"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_TIMEOUT_S) == 0
        assert _living_in(folder) == []
    finally:
        process.kill()
        process.wait()


def _living_in(folder: Path) -> list[int]:
    """Return the processes that name the folder or stand in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            about = entry.joinpath("cmdline").read_bytes().decode(errors="replace")
            stands = str(entry.joinpath("cwd").readlink())
        except OSError:
            continue
        if str(folder) in about or stands.startswith(str(folder)):
            found.append(int(entry.name))
    return found


def _client(demo: Told, *, name: str = "tester", key: int = 0) -> ExchangeClient:
    account = next(account for account in demo["accounts"] if account["name"] == name)
    return ExchangeClient(demo["rest"], **account["keys"][key])


@pytest.fixture
async def tester(demo: Told) -> AsyncIterator[ExchangeClient]:
    async with _client(demo) as client:
        yield client


@pytest.fixture
def address(demo: Told) -> str:
    return str(next(account for account in demo["accounts"] if account["name"] == "tester")["deposit_address"])


@pytest.fixture
async def node(demo: Told) -> AsyncIterator[NodeConnection]:
    async with NodeConnection(demo["chain_ws"]) as connection:
        yield connection


@pytest.fixture
def stranger(node: NodeConnection) -> Wallet:
    return Wallet(node, STRANGER)


async def _balances(client: ExchangeClient) -> dict[str, Decimal]:
    return {asset: Decimal(text) for asset, text in (await client.private("Balance")).items()}


async def _until(is_true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await is_true():  # noqa: ASYNC110 - the other side is a process of its own
            await asyncio.sleep(POLL_S)


async def _heads_pass(client: ExchangeClient, count: int) -> None:
    """Wait until so many more heads are imported."""
    start = (await client.get("/v1/reconciliation"))["head"]["number"]

    async def passed() -> bool:
        return bool((await client.get("/v1/reconciliation"))["head"]["number"] >= start + count)

    await _until(passed)


async def _books_equal_the_chain(demo: Told, client: ExchangeClient) -> None:
    """Check reconciliation, custody against the chain, and that every asset is whose the ledger says."""
    told = await client.get("/v1/reconciliation")
    assert told["is_reconciled"]
    assert told["differences"] == []
    for asset in told["assets"]:
        shares = (Decimal(value) for name, value in asset.items() if name not in {"asset", "custody"})
        assert sum(shares) == Decimal(asset["custody"])
    assert await compare_custody(demo["rest"], demo["chain_ws"]) > 0


async def _suspense(client: ExchangeClient) -> Decimal:
    assets = (await client.get("/v1/reconciliation"))["assets"]
    return Decimal(next(asset for asset in assets if asset["asset"] == "TAO")["suspense"])


async def _refusal(client: ExchangeClient, method: str, **params: object) -> str:
    with pytest.raises(Refused) as refused:
        await client.private(method, **params)
    return str(refused.value)


async def test_the_line_of_json_and_the_tester_are_as_promised(demo: Told, tester: ExchangeClient) -> None:
    assert set(demo) == {"rest", "ws", "chain_ws", "symbols", "accounts"}
    assert demo["ws"] == demo["rest"].replace("http", "ws", 1) + "/v2"
    for account in demo["accounts"]:
        assert set(account) == {"name", "keys", "deposit_address"}
        assert [set(key) for key in account["keys"]] == [{"key", "secret"}] * 2
        ss58_decode(account["deposit_address"])

    told = await tester.private("BalanceEx")

    free = {asset: Decimal(row["balance"]) - Decimal(row["hold_trade"]) for asset, row in told.items()}
    assert free["TAO"] >= 1_000
    for symbol in demo["symbols"]:
        # Other tests of this module trade and withdraw small amounts of what the tester starts with.
        assert free[symbol.partition("/")[0]] >= 500


@pytest.mark.parametrize(
    "amount",
    [
        "0",
        "-1",
        "-0",
        "1e30",
        "1e3",
        "NaN",
        "Infinity",
        "٣",
        "+1",
        "0x10",
        "1,5",
        "1_0",
        "1 1",
        "1\x00",
        "9" * 10_000,
        "0.000000001",
        "99999999999999999999",
    ],
)
async def test_an_amount_that_is_none_is_refused_everywhere_and_costs_nothing(
    tester: ExchangeClient, amount: str
) -> None:
    before = await _balances(tester)
    order = {"pair": PAIR, "type": "buy"}

    market = await _refusal(tester, "AddOrder", **order, ordertype="market", volume=amount)
    limit = await _refusal(tester, "AddOrder", **order, ordertype="limit", timeinforce="IOC", volume="1", price=amount)
    withdrawal = await _refusal(tester, "WithdrawInfo", asset="TAO", key="nowhere", amount=amount)

    assert market == "EGeneral:Invalid arguments:volume"
    assert limit.startswith(("EGeneral:Invalid arguments:price", "EOrder:Invalid price:"))
    assert withdrawal.startswith("EFunding:")
    assert await _balances(tester) == before


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"pair": "SN3TAO"}, "EQuery:Unknown asset pair"),
        ({"type": "hold"}, "EGeneral:Invalid arguments:type"),
        ({"ordertype": "trailing-stop", "price": "1"}, "EGeneral:Invalid arguments:ordertype"),
        ({"ordertype": "limit", "price": "1", "timeinforce": "FOREVER"}, "EGeneral:Invalid arguments:timeinforce"),
        ({"ordertype": "limit", "price": "1", "oflags": "sideways"}, "EGeneral:Invalid arguments:oflags"),
        (
            {"ordertype": "limit", "price": "1", "oflags": "post", "validate": "true"},
            "EOrder:Invalid order:Post only order",
        ),
        ({"leverage": "2"}, "EGeneral:Invalid arguments:leverage"),
        ({"validate": "perhaps"}, "EGeneral:Invalid arguments:validate"),
        ({"deadline": "2020-01-01T00:00:00Z"}, "EService:Deadline elapsed"),
        ({"cl_ord_id": "two words"}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"volume": "0.00000001"}, "EOrder:Order minimum not met"),
        ({"type": "sell", "volume": "5000000"}, "EOrder:Insufficient funds"),
    ],
)
async def test_an_order_that_cannot_be_is_refused_in_known_words(
    tester: ExchangeClient, changed: dict[str, str], error: str
) -> None:
    before = await _balances(tester)
    order = {"pair": PAIR, "type": "buy", "ordertype": "market", "volume": "1"}

    assert await _refusal(tester, "AddOrder", **{**order, **changed}) == error
    assert await _balances(tester) == before


async def test_a_fill_or_kill_beyond_the_window_is_closed_unfilled_and_costs_nothing(tester: ExchangeClient) -> None:
    before = await _balances(tester)

    order = {"pair": PAIR, "type": "buy", "ordertype": "limit", "timeinforce": "FOK", "price": "0.06"}
    answer = await tester.private("AddOrder", **order, volume="1500")

    txid = answer["txid"][0]
    order = (await tester.private("QueryOrders", txid=txid))[txid]
    assert order["status"] == "canceled"
    assert order["reason"]
    assert Decimal(order["vol_exec"]) == Decimal(order["cost"]) == Decimal(order["fee"]) == 0
    assert await _balances(tester) == before


@pytest.mark.parametrize(("side", "book", "level"), [("buy", "asks", 0), ("buy", "asks", 7), ("sell", "bids", 7)])
async def test_an_ioc_at_a_shown_level_for_the_sum_shown_fills_completely(
    tester: ExchangeClient, side: str, book: str, level: int
) -> None:
    for _ in range(20):
        height = (await tester.get("/v1/markets"))["markets"][0]["pool_height"]
        rows = (await tester.public("Depth", pair=PAIR, count=20))[PAIR][book]
        volume = list(accumulate(Decimal(row[1]) for row in rows))[level]
        answer = await tester.private(
            "AddOrder",
            pair=PAIR,
            type=side,
            ordertype="limit",
            timeinforce="IOC",
            volume=str(volume),
            price=rows[level][0],
        )
        order = (await tester.private("QueryOrders", txid=answer["txid"][0]))[answer["txid"][0]]
        if (await tester.get("/v1/markets"))["markets"][0]["pool_height"] == height:
            break
    else:
        pytest.fail("a new head came between each look and its order")

    assert Decimal(order["vol_exec"]) == volume
    assert order["status"] == "closed"


async def test_a_client_id_stands_for_one_order_and_one_body(demo: Told, tester: ExchangeClient) -> None:
    order = {"pair": PAIR, "type": "buy", "ordertype": "market", "volume": "1", "cl_ord_id": "only-once"}
    first = await tester.private("AddOrder", **order)
    after = await _balances(tester)

    async with _client(demo, key=1) as other_key:
        assert await other_key.private("AddOrder", **order) == first
    assert await tester.private("AddOrder", **order) == first
    for changed in ({"volume": "2"}, {"type": "sell"}, {"pair": "SN2TAO"}, {"userref": "5"}):
        assert await _refusal(tester, "AddOrder", **{**order, **changed}) == "EGeneral:Invalid arguments:cl_ord_id"
    assert await _balances(tester) == after


async def test_many_orders_at_once_each_count_once_and_none_can_be_replayed(demo: Told, tester: ExchangeClient) -> None:
    keys = next(account for account in demo["accounts"] if account["name"] == "tester")["keys"]
    path = "/0/private/AddOrder"
    body = "nonce={}&pair=SN1TAO&type=buy&ordertype=market&volume=0.2"
    start = time.time_ns()
    nonces = [str(start + number) for number in range(100)]
    before = await _balances(tester)

    async with httpx.AsyncClient(base_url=demo["rest"], timeout=30) as http:

        async def send(nonce: str) -> dict[str, Any]:
            raw = body.format(nonce).encode()
            headers = {"API-Key": keys[1]["key"], "Content-Type": FORM}
            headers["API-Sign"] = sign_request(path, nonce, raw, keys[1]["secret"])
            answer: dict[str, Any] = (await http.post(path, content=raw, headers=headers)).json()
            return answer

        answers = await asyncio.gather(*map(send, nonces))
        replayed = await asyncio.gather(*map(send, nonces))

    placed = [answer["result"]["txid"][0] for answer in answers if not answer["error"]]
    assert len(set(placed)) == len(placed) > 0
    assert {tuple(answer["error"]) for answer in answers} <= {(), ("EAPI:Invalid nonce",)}
    assert {tuple(answer["error"]) for answer in replayed} == {("EAPI:Invalid nonce",)}
    orders: dict[str, Any] = {}
    for first in range(0, len(placed), 50):
        orders |= await tester.private("QueryOrders", txid=",".join(placed[first : first + 50]))
    bought = sum(Decimal(order["vol_exec"]) for order in orders.values())
    paid = sum(Decimal(order["cost"]) + Decimal(order["fee"]) for order in orders.values())
    after = await _balances(tester)
    assert after["SN1"] - before["SN1"] == bought
    assert before["TAO"] - after["TAO"] == paid


async def test_a_bad_signature_burns_no_nonce(demo: Told) -> None:
    key = next(account for account in demo["accounts"] if account["name"] == "alice")["keys"][1]
    path, nonce = "/0/private/Balance", str(time.time_ns())
    raw = f"nonce={nonce}".encode()
    good = sign_request(path, nonce, raw, key["secret"])

    async with httpx.AsyncClient(base_url=demo["rest"]) as http:

        async def send(signature: str, name: str = key["key"]) -> list[str]:
            headers = {"API-Key": name, "API-Sign": signature, "Content-Type": FORM}
            errors: list[str] = (await http.post(path, content=raw, headers=headers)).json()["error"]
            return errors

        assert await send("AAAA") == ["EAPI:Invalid signature"]
        assert await send("") == ["EAPI:Invalid signature"]
        assert await send(good, "nobody") == ["EAPI:Invalid key"]
        assert await send(good) == []
        assert await send(good) == ["EAPI:Invalid nonce"]


async def test_a_socket_refuses_with_the_id_and_shows_the_own_trade(demo: Told, tester: ExchangeClient) -> None:
    async with connect(demo["ws"]) as socket:

        async def reply(frame: str) -> dict[str, Any]:
            await socket.send(frame)
            async with asyncio.timeout(WAIT_S):
                while True:
                    told: dict[str, Any] = json.loads(await socket.recv())
                    if "success" in told:
                        return told

        assert (await reply("{"))["success"] is False
        unknown = await reply('{"method":"subscribe","params":{"channel":"nothing"},"req_id":5}')
        assert (unknown["req_id"], unknown["error"]) == (5, "Subscription name invalid")
        wanted = {"channel": "trade", "symbol": ["SN1/TAO"], "snapshot": False}
        assert (await reply(json.dumps({"method": "subscribe", "params": wanted, "req_id": 6})))["success"] is True

        await tester.private("AddOrder", pair=PAIR, type="buy", ordertype="market", volume="0.31")

        async with asyncio.timeout(WAIT_S):
            while (frame := json.loads(await socket.recv())).get("channel") != "trade":
                continue
        assert 0.31 in [trade["qty"] for trade in frame["data"]]


async def test_an_unmodified_chain_client_deposits_and_is_credited(
    demo: Told, tester: ExchangeClient, address: str
) -> None:
    before = len(await tester.private("DepositStatus", asset="TAO"))
    async with AsyncSubstrateInterface(demo["chain_ws"], ss58_format=42) as substrate:
        call = await substrate.compose_call(
            "Balances", "transfer_keep_alive", {"dest": address, "value": 2 * TAO + 345}
        )
        signed = await substrate.create_signed_extrinsic(call=call, keypair=ClientKey("//Eve"), era={"period": 64})
        receipt = await substrate.submit_extrinsic(signed, wait_for_finalization=True)
        assert await receipt.is_success

    async def credited() -> bool:
        return len(await tester.private("DepositStatus", asset="TAO")) > before

    await _until(credited)
    rows = await tester.private("DepositStatus", asset="TAO")
    assert ("2.000000345", "Success") in {(row["amount"], row["status"]) for row in rows}


async def test_deposits_in_batches_and_by_proxies_count_and_dust_and_strays_wait_in_suspense(
    demo: Told, tester: ExchangeClient, node: NodeConnection, address: str
) -> None:
    stranger, ours = Wallet(node, STRANGER), ss58_decode(address)
    hot = next(key for key in (await tester.get("/v1/custody"))["keys"] if key["role"] == "hot")
    hot_public = bytes.fromhex(hot["public"].removeprefix("0x"))
    suspense = await _suspense(tester)

    await stranger.send(transfer(ours, 7))
    await stranger.send(transfer(hot_public, 3 * TAO))
    batch = [transfer(ours, TAO + 1), transfer(ours, TAO + 2), transfer(hot_public, TAO)]
    await stranger.send(call_value("Utility", "batch_all", calls=batch))
    ferdie = Wallet(node, "//Ferdie")
    await ferdie.send(call_value("Proxy", "add_proxy", delegate=("Id", stranger.public), proxy_type="Any", delay=0))
    behind = call_value(
        "Proxy", "proxy", real=("Id", ferdie.public), force_proxy_type=None, call=transfer(ours, TAO + 3)
    )
    await stranger.send(behind)

    async def seen() -> bool:
        rows = await tester.private("DepositStatus", asset="TAO")
        found = {(row["amount"], row["status"]) for row in rows}
        credited = {(f"1.00000000{rao}", "Success") for rao in (1, 2, 3)}
        return credited | {("0.000000007", "Pending")} <= found

    await _until(seen)
    await _heads_pass(tester, 1)
    assert await _suspense(tester) == suspense + Decimal("4.000000007")
    await _books_equal_the_chain(demo, tester)


async def test_alpha_of_little_worth_is_suspended_and_books_stay_equal(
    demo: Told, tester: ExchangeClient, stranger: Wallet, address: str
) -> None:
    ours = ss58_decode(address)
    stake = call_value("SubtensorModule", "add_stake", hotkey=IDLE_HOTKEY, netuid=1, amount_staked=5 * TAO)
    await stranger.send(stake)

    await stranger.send(transfer_stake(ours, hotkey=IDLE_HOTKEY, netuid=1, amount=TAO // 20))
    await stranger.send(transfer_stake(ours, hotkey=IDLE_HOTKEY, netuid=1, amount=6 * TAO))

    async def seen() -> bool:
        rows = await tester.private("DepositStatus", asset="SN1")
        states = {row["status"] for row in rows if Decimal(row["amount"]) < 7}
        return states == {"Pending", "Success"}

    await _until(seen)
    await _heads_pass(tester, 2)
    await _books_equal_the_chain(demo, tester)


async def test_alpha_of_a_subnet_that_is_not_listed_waits_in_suspense_with_its_growth(
    demo: Told, tester: ExchangeClient, stranger: Wallet, address: str
) -> None:
    """The position grows at each epoch of its subnet, and custody must follow at the very head."""
    ours = ss58_decode(address)
    stake = call_value("SubtensorModule", "add_stake", hotkey=IDLE_HOTKEY, netuid=3, amount_staked=10 * TAO)
    await stranger.send(stake)
    await stranger.send(transfer_stake(ours, hotkey=IDLE_HOTKEY, netuid=3, amount=5 * TAO))

    async def held() -> int:
        keys = (await tester.get("/v1/custody"))["keys"]
        return sum(int(stake["amount_rao"]) for key in keys for stake in key["stakes"] if stake["netuid"] == 3)

    async def has_grown() -> bool:
        return await held() > 5 * TAO

    await _until(has_grown)
    await _heads_pass(tester, 2)
    assert "SN3" not in await _balances(tester)
    await _books_equal_the_chain(demo, tester)


async def test_withdrawals_that_cannot_be_are_refused_and_the_rest_is_paid_once(
    demo: Told, tester: ExchangeClient, address: str
) -> None:
    await tester.add_address(asset="TAO", name="cold", address=COLD)
    await tester.add_address(asset="TAO", name="myself", address=address)
    for bad in ("5abc", "0x" + "1" * 40, COLD[:-1], "1" + COLD[1:]):
        with pytest.raises(Refused, match="address_invalid"):
            await tester.add_address(asset="TAO", name="bad", address=bad)
    with pytest.raises(Refused, match="address_name_taken"):
        await tester.add_address(asset="TAO", name="cold", address=address)
    before = await _balances(tester)
    for amount in ("0.000000001", "0.001", "99999", "999999999"):
        assert await _refusal(tester, "Withdraw", asset="TAO", key="cold", amount=amount) == "EFunding:Invalid amount"
    assert await _refusal(tester, "Withdraw", asset="TAO", key="nobody", amount="1") == "EFunding:Unknown withdraw key"
    too_dear = await _refusal(tester, "Withdraw", asset="TAO", key="cold", amount="1", max_fee="0")
    assert too_dear == "EFunding:Max fee exceeded"
    assert await _balances(tester) == before

    refids = [
        (await tester.private("Withdraw", asset="TAO", key=name, amount="2"))["refid"] for name in ("cold", "myself")
    ]

    async def paid() -> bool:
        rows = {row["refid"]: row for row in await tester.private("WithdrawStatus", asset="TAO")}
        return all(rows[refid]["status"] == "Success" for refid in refids)

    async def came_back() -> bool:
        # What went to the own deposit address is back, less its fee.
        return (await _balances(tester))["TAO"] == before["TAO"] - 2 - Decimal("0.001")

    await _until(paid)
    await _until(came_back)
    await _books_equal_the_chain(demo, tester)


async def test_two_withdrawals_at_once_never_take_more_than_there_is(
    demo: Told, tester: ExchangeClient, node: NodeConnection
) -> None:
    async with _client(demo, name="alice") as alice, _client(demo, name="alice", key=1) as also_alice:
        deposit = (await alice.private("DepositAddresses", asset="TAO"))[0]["address"]
        await Wallet(node, "//Dave").send(transfer(ss58_decode(deposit), 10 * TAO))

        async def arrived() -> bool:
            return (await _balances(alice))["TAO"] >= 10

        await _until(arrived)
        await alice.add_address(asset="TAO", name="cold", address=COLD)

        answers = await asyncio.gather(
            *(client.private("Withdraw", asset="TAO", key="cold", amount="6") for client in (alice, also_alice)),
            return_exceptions=True,
        )

        refused = [str(answer) for answer in answers if isinstance(answer, BaseException)]
        assert refused == ["EFunding:Invalid amount"]

        async def paid() -> bool:
            rows = await alice.private("WithdrawStatus", asset="TAO")
            return [row["status"] for row in rows] == ["Success"]

        await _until(paid)
        assert (await _balances(alice))["TAO"] == 4
    await _books_equal_the_chain(demo, tester)


async def test_bought_alpha_can_be_withdrawn_once_its_settlement_is_final(demo: Told, tester: ExchangeClient) -> None:
    await tester.add_address(asset="SN5", name="cold", address=COLD)
    await tester.private("AddOrder", pair="SN5TAO", type="buy", ordertype="market", volume="30")
    balance = (await _balances(tester))["SN5"]

    async def covered() -> bool:
        info = await tester.private("WithdrawInfo", asset="SN5", key="cold", amount="1")
        return Decimal(info["limit"]) == balance

    assert not await covered()
    refused = await _refusal(tester, "Withdraw", asset="SN5", key="cold", amount=str(balance))
    await _until(covered)
    refid = (await tester.private("Withdraw", asset="SN5", key="cold", amount="30"))["refid"]

    async def paid() -> bool:
        rows = {row["refid"]: row for row in await tester.private("WithdrawStatus", asset="SN5")}
        return bool(rows[refid]["status"] == "Success")

    await _until(paid)
    assert refused == "EFunding:Invalid amount"
    assert (await _balances(tester))["SN5"] == balance - 30
    await _books_equal_the_chain(demo, tester)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=START_TIMEOUT_S, check=False
    )


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("extra", ["--json", "--reset"])
def test_the_folder_of_a_running_demo_is_refused_and_left_alone(folder: Path, extra: str) -> None:
    before = sorted(path.name for path in folder.iterdir())

    ended = _run("--data-dir", str(folder), extra)

    assert ended.returncode == 3
    assert ended.stderr.startswith("folder_in_use")
    assert len(ended.stderr.splitlines()) == 1
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize("extra", ["--json", "--reset"])
def test_a_folder_of_somebody_else_is_refused_and_left_alone(tmp_path: Path, extra: str) -> None:
    (tmp_path / "chain").mkdir()
    (tmp_path / "chain" / "mine").write_text("mine")
    (tmp_path / "mine.log").write_text("mine")

    ended = _run("--data-dir", str(tmp_path), extra)

    assert ended.returncode == 3
    assert ended.stderr.startswith("not_a_demo")
    assert (tmp_path / "chain" / "mine").read_text() == (tmp_path / "mine.log").read_text() == "mine"


def test_a_file_in_the_place_of_the_folder_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    ended = _run("--data-dir", str(tmp_path / "file"), "--json")

    assert ended.returncode == 3
    assert len(ended.stderr.splitlines()) == 1
