"""A customer at the REST door: real signatures, real engine, real sockets."""

import base64
from urllib.parse import urlencode

import httpx
import pytest

from app.gateway.auth import Permission, sign
from app.gateway.kraken.ids import ORDER, decode_id
from app.gateway.replica import Replica
from chain.ss58 import ss58_encode
from ledger.engine.layout import NO_NETUID, CommandKind, KeyRole, Stage
from ledger.engine.machine import Engine
from ledger.engine.parameters import UNSIGNED_WITHDRAWAL_HEADS
from ledger.engine.records import command
from ledger.engine.views import Views
from tests.support import small_exchange as kit
from tests.support.small_exchange import ALICE, BOB, NETUID, TAO, Client, SmallExchange, rao


async def test_deposits_show_and_a_market_buy_moves_them(exchange: SmallExchange, alice: Client) -> None:
    assert await alice.ok("Balance") == {"TAO": "1000.000000000", "SN1": "500.000000000"}

    placed = await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="5")

    assert placed["descr"]["order"] == "buy 5.000000000 SN1TAO @ market"
    order = (await alice.ok("QueryOrders", txid=placed["txid"][0], trades="true"))[placed["txid"][0]]
    assert (order["status"], order["vol_exec"], order["reason"]) == ("closed", "5.000000000", None)
    after = await alice.ok("Balance")
    assert rao(after["SN1"]) == 505 * TAO
    assert rao(after["TAO"]) == 1_000 * TAO - rao(order["cost"]) - rao(order["fee"])
    assert rao(order["fee"]) == (rao(order["cost"]) * kit.TAKER_PPM + 500_000) // 1_000_000


async def test_a_market_buy_in_quote_never_pays_more_than_asked(alice: Client) -> None:
    placed = await alice.ok("AddOrder", pair="SN1/TAO", type="buy", ordertype="market", volume="10", oflags="viqc")

    order = (await alice.ok("QueryOrders", txid=placed["txid"][0]))[placed["txid"][0]]
    paid = rao(order["cost"]) + rao(order["fee"])
    assert 10 * TAO - 2 <= paid <= 10 * TAO
    assert (order["vol"], order["oflags"]) == ("10.000000000", "fciq,viqc")
    assert placed["descr"]["order"] == "buy 10.000000000 SN1TAO @ market"
    assert rao((await alice.ok("Balance"))["TAO"]) == 1_000 * TAO - paid


@pytest.mark.parametrize("side", ["asks", "bids"])
@pytest.mark.parametrize("levels", [1, 3, 12])
async def test_an_ioc_at_a_shown_level_for_the_sum_shown_fills_completely(
    alice: Client, side: str, levels: int
) -> None:
    shown = (await alice.public("Depth", pair="SN1TAO", count=levels))["result"]["SN1TAO"][side]
    assert len(shown) == levels
    volume = sum(rao(row[1]) for row in shown)
    price = shown[-1][0]

    placed = await alice.ok(
        "AddOrder",
        pair="SN1TAO",
        type="buy" if side == "asks" else "sell",
        ordertype="limit",
        timeinforce="IOC",
        price=price,
        volume=f"{volume // TAO}.{volume % TAO // 10:08d}",
    )

    order = (await alice.ok("QueryOrders", txid=placed["txid"][0]))[placed["txid"][0]]
    assert (order["status"], rao(order["vol_exec"])) == ("closed", volume)
    average = rao(order["cost"]) * TAO / volume
    assert average <= rao(price) if side == "asks" else average >= rao(price)


async def test_a_limit_that_nothing_meets_is_cancelled_with_its_reason(alice: Client) -> None:
    placed = await alice.ok(
        "AddOrder", pair="SN1TAO", type="buy", ordertype="limit", timeinforce="IOC", price="0.01", volume="5"
    )

    order = (await alice.ok("QueryOrders", txid=placed["txid"][0]))[placed["txid"][0]]
    assert (order["status"], order["vol_exec"], order["reason"]) == ("canceled", "0.000000000", "Limit price reached")
    assert (await alice.ok("Balance"))["TAO"] == "1000.000000000"


async def test_the_same_client_id_gives_the_first_answer_and_another_body_is_refused(alice: Client) -> None:
    order = {"pair": "SN1TAO", "type": "buy", "ordertype": "market", "volume": "5", "cl_ord_id": "mine-1"}
    first = await alice.ok("AddOrder", **order)
    balance = await alice.ok("Balance")

    again = await alice.ok("AddOrder", **order)
    other = await alice.private("AddOrder", **(order | {"volume": "6"}))

    assert again["txid"] == first["txid"]
    assert other["error"] == ["EGeneral:Invalid arguments:cl_ord_id"]
    assert other["reason"]["code"] == "id_reused"
    assert await alice.ok("Balance") == balance
    assert (await alice.ok("ClosedOrders", cl_ord_id="mine-1"))["count"] == 1


async def test_validating_checks_everything_and_changes_nothing(exchange: SmallExchange, alice: Client) -> None:
    seq = exchange.replica.seq
    good = await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="5", validate="True")

    assert "txid" not in good
    assert exchange.replica.seq == seq
    poor = await alice.private("AddOrder", pair="SN1TAO", type="sell", ordertype="market", volume="501", validate="1")
    assert poor["error"] == ["EOrder:Insufficient funds"]


async def test_funds_that_are_missing_are_named(alice: Client) -> None:
    told = await alice.private("AddOrder", pair="SN1TAO", type="sell", ordertype="market", volume="500.5")

    assert told["error"] == ["EOrder:Insufficient funds"]
    assert told["reason"]["value"] == "500.500000000"
    assert "500.000000000" in told["reason"]["bound"]
    assert "result" not in told


async def test_a_market_that_does_not_trade_says_its_mode(exchange: SmallExchange, alice: Client) -> None:
    await exchange.submit(command(CommandKind.SET_STAGE, netuid=NETUID, stage=Stage.CANCEL_ONLY))

    told = await alice.private("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="5")

    assert told["error"] == ["EService:Market in cancel_only mode"]
    assert (await alice.public("AssetPairs"))["result"]["SN1TAO"]["status"] == "cancel_only"


async def test_json_bodies_are_as_good_as_forms(alice: Client) -> None:
    nonce = alice.next_nonce()
    body = b'{"nonce": %s, "pair": "SN1/TAO", "type": "buy", "ordertype": "market", "volume": 5.0}' % nonce.encode()

    told = await alice.send("/0/private/AddOrder", body, nonce, content_type="application/json; charset=utf-8")

    assert told["error"] == []
    assert decode_id(ORDER, told["result"]["txid"][0]) is not None


async def test_one_customer_never_sees_the_orders_of_another(exchange: SmallExchange, alice: Client) -> None:
    txid = (await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="5"))["txid"][0]

    bob = Client(alice.http, exchange.keys[BOB])

    assert (await bob.private("QueryOrders", txid=txid))["error"] == ["EOrder:Unknown order"]
    assert (await bob.private("CancelOrder", txid=txid))["error"] == ["EOrder:Unknown order"]
    assert (await bob.ok("ClosedOrders"))["count"] == 0
    assert (await bob.ok("Balance")) == {"TAO": "10.000000000"}


async def test_history_pages_are_newest_first(alice: Client) -> None:
    txids = [
        (await alice.ok("AddOrder", pair="SN1TAO", type=side, ordertype="market", volume="1"))["txid"][0]
        for side in ("buy", "sell", "buy")
    ]

    closed = await alice.ok("ClosedOrders")
    trades = await alice.ok("TradesHistory")
    later = await alice.ok("TradesHistory", start=next(reversed(trades["trades"])))

    assert list(closed["closed"]) == txids[::-1]
    assert closed["count"] == trades["count"] == 3
    assert [trade["trade_id"] for trade in trades["trades"].values()] == [3, 2, 1]
    assert [trade["trade_id"] for trade in later["trades"].values()] == [3, 2]
    assert (await alice.ok("QueryTrades", txid=txids[0])).keys() == {list(trades["trades"])[2]}


async def test_trades_are_public_and_pages_join_without_gap(alice: Client) -> None:
    for _ in range(3):
        await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="1")

    first = (await alice.public("Trades", pair="SN1/TAO", since="0", count=2))["result"]
    rest = (await alice.public("Trades", pair="SN1TAO", since=first["last"]))["result"]

    assert [row[6] for row in first["SN1/TAO"]] == [1, 2]
    assert [row[6] for row in rest["SN1TAO"]] == [3]
    assert len(first["last"]) == len(rest["last"]) == 19
    assert all(len(row) == 7 for row in first["SN1/TAO"])


async def test_a_withdrawal_goes_to_a_registered_address_only(exchange: SmallExchange, alice: Client) -> None:
    address = ss58_encode(bytes(range(32)))
    unknown = await alice.private("Withdraw", asset="TAO", key="cold", amount="10")
    assert unknown["error"] == ["EFunding:Unknown withdraw key"]

    added = await add_address(alice, asset="TAO", key="cold", address=address)
    assert (added.status_code, added.json()["address"]) == (201, address)

    info = await alice.ok("WithdrawInfo", asset="TAO", key="cold", amount="10")
    assert (info["amount"], info["fee"]) == ("9.999000000", "0.001000000")
    other = await alice.private("Withdraw", asset="TAO", key="cold", amount="10", address=ss58_encode(bytes(32)))
    assert other["error"] == ["EGeneral:Invalid arguments:address"]
    too_much = await alice.private("Withdraw", asset="TAO", key="cold", amount="1000.5")
    assert (too_much["error"], too_much["reason"]["code"]) == (["EFunding:Invalid amount"], "insufficient_funds")

    refid = (await alice.ok("Withdraw", asset="TAO", key="cold", amount="10", address=address))["refid"]

    (row,) = await alice.ok("WithdrawStatus", asset="TAO")
    assert (row["refid"], row["status"], row["amount"], row["info"]) == (refid, "Initial", "9.999000000", address)
    assert (await alice.ok("Balance"))["TAO"] == "990.000000000"


async def add_address(client: Client, **fields: str) -> httpx.Response:
    nonce = client.next_nonce()
    body = httpx.Request("POST", "http://x", json={"nonce": nonce, **fields}).content
    path = "/v1/withdrawal-addresses"
    headers = {
        "API-Key": client.key.key,
        "API-Sign": sign(path, nonce, body, base64.b64decode(client.key.secret)),
        "Content-Type": "application/json",
    }
    return await client.http.post(path, content=body, headers=headers)


@pytest.mark.parametrize("asset", ["TAO", "SN1"])
async def test_the_least_that_is_told_can_be_withdrawn_and_no_less(alice: Client, asset: str) -> None:
    await add_address(alice, asset=asset, key="cold", address=ss58_encode(bytes(range(32))))
    (method,) = await alice.ok("WithdrawMethods", asset=asset)
    least = rao(method["minimum"])

    less = await alice.private("Withdraw", asset=asset, key="cold", amount=f"0.{least - 1:09d}")
    taken = await alice.private("Withdraw", asset=asset, key="cold", amount=f"0.{least:09d}")

    assert (less["error"], less["reason"]["code"]) == (["EFunding:Invalid amount"], "below_minimum")
    assert taken["error"] == []


async def test_the_least_deposit_of_alpha_that_is_told_is_credited(exchange: SmallExchange, alice: Client) -> None:
    least = rao((await alice.ok("DepositMethods", asset="SN1"))[0]["minimum"])

    await exchange.import_head(deposits={ALICE: (0, least)})
    await exchange.import_head(deposits={ALICE: (0, least - 1)})

    assert [row["status"] for row in await alice.ok("DepositStatus", asset="SN1")] == ["Pending", "Success", "Success"]


async def test_an_address_name_belongs_to_one_address(alice: Client) -> None:
    first = await add_address(alice, asset="SN1", key="cold", address=ss58_encode(bytes(range(32))))
    again = await add_address(alice, asset="SN1", key="cold", address=ss58_encode(bytes(range(32))))
    other = await add_address(alice, asset="SN1", key="cold", address=ss58_encode(bytes(32)))
    broken = await add_address(alice, asset="SN1", key="c2", address="5" * 48)

    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (409, "address_name_taken")
    assert (broken.status_code, broken.json()["code"]) == (422, "address_invalid")
    assert broken.headers["content-type"] == "application/problem+json"
    assert broken.json()["value"] == "5" * 48


async def test_the_exchange_pays_nothing_to_its_own_hot_key(exchange: SmallExchange, alice: Client) -> None:
    hot = next(key for key in exchange.replica.reads.keys() if key.role is KeyRole.HOT)  # noqa: SIM118 - a list

    refused = await add_address(alice, asset="TAO", key="mine", address=ss58_encode(hot.public))

    assert (refused.status_code, refused.json()["code"]) == (422, "address_not_allowed")


@pytest.mark.parametrize("name", ["cold ", " cold", "co\x00ld"])
async def test_an_address_name_must_be_one_that_a_withdrawal_can_say(alice: Client, name: str) -> None:
    refused = await add_address(alice, asset="TAO", key=name, address=ss58_encode(bytes(range(32))))

    assert (refused.status_code, refused.json()["value"]) == (422, name)


async def test_deposits_are_listed_with_their_block(exchange: SmallExchange, alice: Client) -> None:
    rows = await alice.ok("DepositStatus")

    assert [(row["asset"], row["amount"], row["status"]) for row in rows] == [
        ("SN1", "500.000000000", "Success"),
        ("TAO", "1000.000000000", "Success"),
    ]
    assert rows[1]["txid"] == f"0x{kit.block_hash(2).hex()}-10"
    (method,) = await alice.ok("DepositMethods", asset="SN1")
    assert method["method"] == "Bittensor SN1"
    (address,) = await alice.ok("DepositAddresses", asset="TAO", method="Bittensor", new="False")
    assert address["address"] == ss58_encode(kit.public_key(kit.ALICE_KEY))
    assert address == (await alice.ok("DepositAddresses", asset="SN1", method="Bittensor SN1"))[0]


@pytest.mark.parametrize(
    ("method", "permissions"),
    [
        ("Balance", Permission.MODIFY_ORDERS),
        ("Withdraw", Permission.QUERY_FUNDS | Permission.MODIFY_ORDERS),
        ("AddOrder", Permission.QUERY_FUNDS),
    ],
)
async def test_a_key_does_what_it_may_and_nothing_else(
    exchange: SmallExchange, alice: Client, method: str, permissions: Permission
) -> None:
    limited = Client(alice.http, await exchange.add_key(ALICE, permissions))

    assert (await limited.private(method))["error"] == ["EGeneral:Permission denied"]


async def test_a_nonce_window_lets_late_calls_in_once(exchange: SmallExchange, alice: Client) -> None:
    loose = Client(alice.http, await exchange.add_key(ALICE, window=5))
    told = []
    for nonce in ("100", "97", "97", "95", "101", "98"):
        body = urlencode({"nonce": nonce}).encode()
        told.append((await loose.send("/0/private/Balance", body, nonce))["error"])

    invalid = ["EAPI:Invalid nonce"]
    assert told == [[], [], invalid, invalid, [], []]


async def test_reconciliation_tells_whose_custody_is(exchange: SmallExchange, alice: Client) -> None:
    await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="5")

    told = (await alice.http.get("/v1/reconciliation")).json()

    assert (told["head"]["number"], told["is_reconciled"], told["money_halted"]) == (2, True, False)
    for row in told["assets"]:
        owners = ("customers_free", "customers_held", "earn", "rewards_idle", "withdrawing", "suspense", "house")
        assert sum(rao(row[name]) for name in owners) == rao(row["custody"])
    (market,) = (await alice.http.get("/v1/markets")).json()["markets"]
    assert (market["symbol"], market["instant_open"], market["need_alpha"]) == ("SN1/TAO", True, "5.000000000")


async def test_a_replica_that_replays_the_log_tells_the_same(exchange: SmallExchange, alice: Client) -> None:
    for side in ("buy", "sell"):
        await alice.ok("AddOrder", pair="SN1TAO", type=side, ordertype="market", volume="3")
    await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="limit", price="0.01", volume="3", cl_ord_id="mine")
    engine = Engine()
    replayed = Replica(engine, Views(engine))

    async for batch in exchange.log.read():
        replayed.apply(batch)

    live = exchange.replica
    assert replayed.seq == live.seq == exchange.engine.seq
    assert engine.state_hash() == exchange.engine.state_hash()
    assert replayed.orders.open_of(ALICE) == live.orders.open_of(ALICE) != []
    assert list(replayed.history(NETUID).trades) == list(live.history(NETUID).trades)
    assert replayed.heads.current == live.heads.current


async def test_health_and_metrics_are_served(alice: Client) -> None:
    await alice.ok("Balance")
    await alice.private("AddOrder", pair="nothing")

    assert (await alice.http.get("/healthz")).text == "ok\n"
    assert (await alice.http.get("/readyz")).json()["ready"] is True
    text = (await alice.http.get("/metrics")).text
    assert 'taobourse_requests_total{method="Balance"} 1.0' in text
    assert 'taobourse_refusals_total{code="unknown_pair"} 1.0' in text
    assert (await alice.http.get("/v1/openapi.json")).json()["openapi"].startswith("3.1")


async def test_a_withdrawal_that_the_chain_never_gets_comes_back_with_its_fee(
    exchange: SmallExchange, alice: Client
) -> None:
    await add_address(alice, asset="TAO", key="cold", address=ss58_encode(bytes(range(32))))
    refid = (await alice.ok("Withdraw", asset="TAO", key="cold", amount="10"))["refid"]

    for _ in range(UNSIGNED_WITHDRAWAL_HEADS + 1):
        await exchange.import_head()

    (row,) = await alice.ok("WithdrawStatus", asset="TAO")
    back, out = (await alice.ok("Ledgers", type="withdrawal"))["ledger"].values()
    assert (row["refid"], row["status"]) == (refid, "Failure")
    assert {back["refid"], out["refid"]} == {refid}
    assert (out["amount"], out["fee"], out["balance"]) == ("-9.999000000", "0.001000000", "990.000000000")
    assert (back["amount"], back["fee"], back["balance"]) == ("10.000000000", "0.000000000", "1000.000000000")
    assert (await alice.ok("Balance"))["TAO"] == back["balance"]


async def test_a_suspended_deposit_that_operators_give_back_is_an_adjustment(
    exchange: SmallExchange, alice: Client
) -> None:
    await exchange.import_head(deposits={ALICE: (5, 0)})
    assert (await alice.ok("Ledgers", asset="TAO"))["count"] == 1
    await exchange.submit(
        command(
            CommandKind.RESOLVE_SUSPENSE,
            account=ALICE,
            netuid=NO_NETUID,
            amount=5,
            first_operator=1,
            second_operator=2,
        )
    )

    newest = next(iter((await alice.ok("Ledgers"))["ledger"].values()))

    assert (newest["type"], newest["amount"], newest["balance"]) == ("adjustment", "0.000000005", "1000.000000005")
    assert (await alice.ok("Balance"))["TAO"] == newest["balance"]
