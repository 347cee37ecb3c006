"""Orders of every type at the REST door, against the real engine: resting, amended, triggered, cancelled, queued."""

from typing import Any

import pytest

from app.gateway.folds.books import best_asks, best_bids
from app.gateway.kraken.ids import ORDER, decode_id
from app.gateway.limits import Rate, Tier
from ledger.engine.layout import CommandKind, OrderState
from ledger.engine.records import command
from tests.support.small_exchange import ALICE, BOB, NETUID, TAO, Client, SmallExchange, rao

Order = dict[str, Any]


async def place(client: Client, side: str, volume: str, price: str = "", **more: str) -> str:
    """Place a limit order, or a market order without a price, and return its id."""
    fields = {"pair": "SN1TAO", "type": side, "volume": volume, "ordertype": "limit" if price else "market"}
    placed = await client.ok("AddOrder", **fields, **({"price": price} if price else {}), **more)
    return str(placed["txid"][0])


async def order(client: Client, txid: str) -> Order:
    found: Order = (await client.ok("QueryOrders", txid=txid, trades="true"))[txid]
    return found


async def levels(client: Client, side: str) -> dict[str, int]:
    """Return one side of the shown book: price to volume."""
    shown = (await client.public("Depth", pair="SN1TAO", count=500))["result"]["SN1TAO"][side]
    return {row[0]: rao(row[1]) for row in shown}


async def test_a_limit_order_rests_and_is_shown_held_and_cancelled(exchange: SmallExchange, alice: Client) -> None:
    before = await levels(alice, "bids")
    txid = await place(alice, "buy", "5", "0.01990001")

    told = await order(alice, txid)
    assert (told["status"], told["descr"]["price"], told["vol_exec"]) == ("open", "0.01990001", "0.000000000")
    assert told["descr"]["order"] == "buy 5.000000000 SN1TAO @ limit 0.01990001"
    assert list((await alice.ok("OpenOrders"))["open"]) == [txid]
    held = rao((await alice.ok("BalanceEx"))["TAO"]["hold_trade"])
    cost = 5 * rao("0.01990001")
    assert held == cost + (cost * 2_600 + 500_000) // 1_000_000
    after = await levels(alice, "bids")
    assert after["0.01990001"] == before.get("0.01990001", 0) + 5 * TAO

    assert await alice.ok("CancelOrder", txid=txid) == {"count": 1}
    gone = await order(alice, txid)
    assert (gone["status"], gone["reason"]) == ("canceled", "User requested")
    assert await levels(alice, "bids") == before
    assert (await alice.ok("BalanceEx"))["TAO"]["hold_trade"] == "0.000000000"


async def test_two_customers_meet_and_each_sees_its_own_side(alice: Client, bob: Client) -> None:
    best = min(await levels(alice, "asks"))
    resting = await place(alice, "sell", "2", "0.02000500")
    assert best > "0.02000500"
    taking = await place(bob, "buy", "2", "0.02000500", timeinforce="IOC")

    sold, bought = await order(alice, resting), await order(bob, taking)
    assert (sold["status"], bought["status"]) == ("closed", "closed")
    assert sold["cost"] == bought["cost"] == "0.040010000"
    (mine,), (theirs,) = [(await client.ok("TradesHistory"))["trades"].values() for client in (alice, bob)]
    assert (mine["maker"], mine["type"], theirs["maker"], theirs["type"]) == (True, "sell", False, "buy")
    assert mine["trade_id"] == theirs["trade_id"]
    assert sold["trades"] != bought["trades"]
    assert (rao(mine["fee"]), rao(theirs["fee"])) == (40_010_000 * 1_600 // 10**6, 40_010_000 * 2_600 // 10**6)
    (shown,) = (await alice.public("Trades", pair="SN1TAO"))["result"]["SN1TAO"]
    assert (shown[0], shown[1], shown[3], shown[4]) == ("0.02000500", "2.000000000", "b", "l")
    for client in (alice, bob):
        entries = (await client.ok("Ledgers", type="trade"))["ledger"]
        assert len(entries) == 2
        balances = await client.ok("Balance")
        assert {row["asset"]: row["balance"] for row in entries.values()} == balances


async def test_the_book_of_the_replica_is_the_book_of_the_engine(
    exchange: SmallExchange, alice: Client, bob: Client
) -> None:
    prices = ("0.0199", "0.01985", "0.0198", "0.0199")
    ids = [await place(alice, "buy", "1.5", price) for price in prices]
    await place(alice, "sell", "3", "0.0203")
    await alice.ok("AmendOrder", txid=ids[0], order_qty="1")
    await alice.ok("AmendOrder", txid=ids[1], limit_price="0.01986")
    await alice.ok("CancelOrder", txid=ids[2])

    book, reads = exchange.replica.reads.book(NETUID), exchange.replica.reads
    assert book is not None
    assert [(row.price, row.alpha) for row in book.bids] == [tuple(row) for row in best_bids(reads, NETUID, 100)]
    assert [(row.price, row.alpha) for row in book.asks] == [tuple(row) for row in best_asks(reads, NETUID, 100)]
    assert [(row.price, row.alpha, row.orders) for row in book.bids] == [
        (19_900_000, 2_500_000_000, 2),
        (19_860_000, 1_500_000_000, 1),
    ]


async def test_a_smaller_volume_keeps_the_place_and_a_new_price_does_not(
    exchange: SmallExchange, alice: Client
) -> None:
    txid = await place(alice, "buy", "5", "0.0199", userref="7")
    seq = decode_id(ORDER, txid)
    assert seq is not None
    placed = exchange.replica.reads.order(seq)

    amended = await alice.ok("AmendOrder", txid=txid, order_qty="4")
    kept = exchange.replica.reads.order(seq)
    await alice.ok("AmendOrder", txid=txid, limit_price="0.0198")
    moved = exchange.replica.reads.order(seq)

    assert amended["amend_id"].startswith("T")
    assert placed is not None
    assert kept is not None
    assert moved is not None
    assert placed.priority == kept.priority < moved.priority
    assert (moved.limit, moved.open, moved.state) == (19_800_000, 4 * TAO, OrderState.RESTING)
    told = await order(alice, txid)
    assert (told["vol"], told["descr"]["price"], told["userref"]) == ("4.000000000", "0.01980000", 7)
    amends = await alice.ok("OrderAmends", order_id=txid)
    assert [row["order_qty"] for row in amends["amends"]] == ["4.000000000", "4.000000000"]
    assert amends["amends"][0]["amend_id"] == amended["amend_id"]


async def test_an_edit_replaces_an_order_under_a_new_id_or_leaves_it(alice: Client) -> None:
    txid = await place(alice, "buy", "5", "0.0199", userref="7")

    told = await alice.ok("EditOrder", txid=txid, pair="SN1TAO", price="0.0198", volume="6")
    assert (told["status"], told["originaltxid"], told["orders_cancelled"]) == ("ok", txid, 1)
    assert told["descr"]["order"] == "buy 6.000000000 SN1TAO @ limit 0.01980000"
    assert (await order(alice, txid))["status"] == "canceled"
    replaced = await order(alice, told["txid"])
    assert (replaced["status"], replaced["vol"], replaced["userref"]) == ("open", "6.000000000", 7)

    poor = await alice.private("EditOrder", txid=told["txid"], pair="SN1TAO", volume="100000")
    assert poor["error"] == ["EOrder:Insufficient funds"]
    assert (await order(alice, told["txid"]))["status"] == "open"
    # All of the balance is in the order: its hold counts for the one that replaces it.
    whole = await place(alice, "sell", "500", "0.05")
    again = await alice.ok("EditOrder", txid=whole, pair="SN1TAO", price="0.06")
    assert (await order(alice, again["txid"]))["status"] == "open"


async def test_a_stop_waits_and_is_triggered_by_a_trade(alice: Client, bob: Client) -> None:
    fields = {"pair": "SN1TAO", "type": "sell", "ordertype": "stop-loss", "volume": "3", "price": "0.01999"}
    stop = (await alice.ok("AddOrder", **fields, trigger="last"))["txid"][0]

    told = await order(alice, stop)
    assert told["descr"]["order"] == "sell 3.000000000 SN1TAO @ stop loss 0.01999000"
    assert (told["status"], told["trigger"], told["stopprice"], told["misc"]) == ("open", "last", "0.01999000", "")
    assert (await alice.ok("BalanceEx"))["SN1"]["hold_trade"] == "3.000000000"

    await place(alice, "sell", "1")  # trades below the trigger: a pool fee below spot
    after = await order(alice, stop)
    assert (after["status"], after["vol_exec"], after["misc"]) == ("closed", "3.000000000", "stopped")


@pytest.mark.parametrize(
    ("ordertype", "price", "price2", "text"),
    [
        ("take-profit", "0.03", "", "take profit 0.03000000"),
        ("take-profit-limit", "0.03", "0.029", "take profit 0.03000000 -> limit 0.02900000"),
        ("stop-loss-limit", "0.01", "0.009", "stop loss 0.01000000 -> limit 0.00900000"),
    ],
)
async def test_triggered_orders_are_described_and_amended(
    alice: Client, ordertype: str, price: str, price2: str, text: str
) -> None:
    fields = {"price2": price2} if price2 else {}
    placed = await alice.ok(
        "AddOrder", pair="SN1TAO", type="sell", ordertype=ordertype, volume="3", price=price, trigger="index", **fields
    )

    txid = placed["txid"][0]
    assert placed["descr"]["order"] == f"sell 3.000000000 SN1TAO @ {text}"
    told = await order(alice, txid)
    assert (told["descr"]["ordertype"], told["trigger"]) == (ordertype, "index")
    await alice.ok("AmendOrder", txid=txid, trigger_price="0.031" if price == "0.03" else "0.011")
    assert (await order(alice, txid))["descr"]["price"] in {"0.03100000", "0.01100000"}
    assert (await alice.ok("CancelOrder", txid=txid))["count"] == 1


async def test_fill_or_kill_is_filled_whole_or_not_at_all(alice: Client) -> None:
    whole = await order(alice, await place(alice, "buy", "5", "0.0201", timeinforce="FOK"))
    none = await order(alice, await place(alice, "buy", "5", "0.0199", timeinforce="FOK"))

    assert (whole["status"], whole["vol_exec"]) == ("closed", "5.000000000")
    assert (none["status"], none["vol_exec"]) == ("canceled", "0.000000000")
    assert none["reason"] == "Fill or kill order not fillable"


async def test_post_only_rests_or_is_cancelled_unfilled(alice: Client) -> None:
    rests = await order(alice, await place(alice, "buy", "5", "0.0199", oflags="post"))
    would_trade = await order(alice, await place(alice, "buy", "5", "0.0205", oflags="post"))

    assert (rests["status"], rests["oflags"]) == ("open", "fciq,post")
    assert (would_trade["status"], would_trade["vol_exec"]) == ("canceled", "0.000000000")
    assert would_trade["reason"] == "Post only order"


async def test_a_post_only_order_that_is_only_checked_is_refused_where_it_would_trade(alice: Client) -> None:
    told = await alice.private(
        "AddOrder",
        pair="SN1TAO",
        type="buy",
        ordertype="limit",
        volume="5",
        price="0.0205",
        oflags="post",
        validate="true",
    )

    assert told["error"] == ["EOrder:Invalid order:Post only order"]
    assert told["reason"]["code"] == "post_only_would_trade"


async def test_an_order_with_an_expiry_ends_by_the_clock(exchange: SmallExchange, alice: Client) -> None:
    txid = await place(alice, "buy", "5", "0.0199", timeinforce="GTD", expiretm="+60")
    assert (await order(alice, txid))["expiretm"] == exchange.clock.now_ms // 1_000 + 60

    exchange.clock.now_ms += 61_000
    await exchange.import_head()

    told = await order(alice, txid)
    assert (told["status"], told["reason"]) == ("expired", "Order expired")


async def test_cancel_all_and_cancel_all_after(exchange: SmallExchange, alice: Client) -> None:
    ids = [await place(alice, "buy", "1", price) for price in ("0.0199", "0.0198", "0.0197")]
    assert await alice.ok("CancelAll") == {"count": 3}
    assert await alice.ok("CancelAll") == {"count": 0}
    assert {(await order(alice, txid))["status"] for txid in ids} == {"canceled"}

    txid = await place(alice, "buy", "1", "0.0199")
    armed = await alice.ok("CancelAllOrdersAfter", timeout="60")
    assert armed["triggerTime"] > armed["currentTime"]
    assert (await alice.ok("CancelAllOrdersAfter", timeout="0"))["triggerTime"] == "0"
    await alice.ok("CancelAllOrdersAfter", timeout="30")
    exchange.clock.now_ms += 31_000
    await exchange.import_head()
    told = await order(alice, txid)
    assert (told["status"], told["reason"]) == ("canceled", "Cancel after timer")
    refused = await alice.private("CancelAllOrdersAfter", timeout="86401")
    assert refused["error"] == ["EGeneral:Invalid arguments:timeout"]


async def test_a_batch_places_and_cancels(alice: Client) -> None:
    fields = {
        "pair": "SN1TAO",
        **{f"orders[{n}][type]": "buy" for n in range(3)},
        **{f"orders[{n}][ordertype]": "limit" for n in range(3)},
        **{f"orders[{n}][volume]": volume for n, volume in enumerate(("1", "1000000", "2"))},
        **{f"orders[{n}][price]": f"0.0{190 + n}" for n in range(3)},
    }
    first, refused, last = (await alice.ok("AddOrderBatch", **fields))["orders"]
    assert refused["error"] == "EOrder:Insufficient funds"
    both = {"orders[0]": first["txid"], "orders[1]": last["txid"]}
    assert await alice.ok("CancelOrderBatch", **both) == {"count": 2}


@pytest.mark.parametrize(
    ("stptype", "resting", "taking"),
    [
        ("cancel-newest", "open", "canceled"),
        ("cancel-oldest", "canceled", "closed"),
        ("cancel-both", "canceled", "canceled"),
    ],
)
async def test_an_account_does_not_trade_with_itself(alice: Client, stptype: str, resting: str, taking: str) -> None:
    old = await place(alice, "sell", "2", "0.020005")
    new = await place(alice, "buy", "2", "0.0201", timeinforce="IOC", stptype=stptype)

    assert (await order(alice, old))["status"] == resting
    told = await order(alice, new)
    assert told["status"] == taking
    if taking == "canceled":
        assert told["reason"] == "Self trade prevention"


async def test_what_is_beyond_the_window_waits_for_the_block_and_can_be_cancelled(
    exchange: SmallExchange, alice: Client
) -> None:
    txid = await place(alice, "buy", "40", oflags="viqc")

    told = await order(alice, txid)
    assert (told["status"], told["vol_exec"]) == ("open", "0.000000000")
    assert rao((await alice.ok("BalanceEx"))["TAO"]["hold_trade"]) == 40 * TAO
    assert await alice.ok("CancelOrder", txid=txid) == {"count": 1}
    assert (await order(alice, txid))["status"] == "canceled"
    assert (await alice.ok("Balance"))["TAO"] == "1000.000000000"


async def test_buyers_and_sellers_of_one_block_meet_and_the_tape_tells_it_once(
    exchange: SmallExchange, alice: Client, bob: Client
) -> None:
    await exchange.import_head(deposits={BOB: (0, 4_000 * TAO), ALICE: (9_000 * TAO, 0)})
    buying = await place(alice, "buy", "60", oflags="viqc")
    selling = await place(bob, "sell", "2500")
    assert (await order(alice, buying))["status"] == (await order(bob, selling))["status"] == "open"

    await exchange.import_head()

    bought, sold = await order(alice, buying), await order(bob, selling)
    assert rao(sold["vol_exec"]) > 0
    fills = [(await client.ok("TradesHistory"))["trades"] for client in (alice, bob)]
    assert all(fills)
    trades = (await alice.public("Trades", pair="SN1TAO"))["result"]["SN1TAO"]
    assert len(trades) == 1
    assert {fill["trade_id"] for rows in fills for fill in rows.values()} == {trades[0][6]}
    assert rao(trades[0][1]) >= max(rao(bought["vol_exec"]), rao(sold["vol_exec"]))
    for client in (alice, bob):
        balance = await client.ok("Balance")
        newest: dict[str, str] = {}
        for row in (await client.ok("Ledgers"))["ledger"].values():
            newest.setdefault(row["asset"], row["balance"])
        assert newest == balance


async def test_tiers_lower_the_fees_that_an_account_is_told(exchange: SmallExchange, alice: Client) -> None:
    await exchange.submit(command(CommandKind.SET_TIER, tier=0, taker_share=1_000_000, maker_share=1_000_000))
    await exchange.submit(
        command(CommandKind.SET_TIER, tier=1, volume=1 * TAO, taker_share=500_000, maker_share=250_000)
    )
    pair = (await alice.public("AssetPairs"))["result"]["SN1TAO"]
    assert (pair["fees"], pair["fees_maker"]) == ([[0, 0.26], [1, 0.13]], [[0, 0.16], [1, 0.04]])
    first = (await alice.ok("TradeVolume", pair="SN1TAO"))["fees"]["SN1TAO"]
    assert (first["fee"], first["nextfee"], first["nextvolume"]) == ("0.2600", "0.1300", "1.000000000")

    await place(alice, "buy", "5", oflags="viqc")

    told = await alice.ok("TradeVolume", pair="SN1TAO")
    assert told["fees"]["SN1TAO"]["fee"] == "0.1300"
    assert told["fees_maker"]["SN1TAO"]["fee"] == "0.0400"
    assert rao(told["volume"]) >= 4 * TAO
    cheap = await order(alice, await place(alice, "buy", "5"))
    assert rao(cheap["fee"]) == (rao(cheap["cost"]) * 1_300 + 500_000) // 1_000_000


async def test_open_orders_per_pair_are_bounded_by_the_tier(exchange: SmallExchange, alice: Client) -> None:
    exchange.parts.limits.enabled = True
    exchange.parts.limits.tier = Tier(Rate(10**9, 10**9), Rate(10**9, 10**9), open_orders=2)
    for price in ("0.0199", "0.0198"):
        await place(alice, "buy", "1", price)

    fields = {"pair": "SN1TAO", "type": "buy", "volume": "1"}
    third = await alice.private("AddOrder", **fields, ordertype="limit", price="0.0197")
    market = await alice.private("AddOrder", **fields, ordertype="market")

    assert third["error"] == ["EOrder:Orders limit exceeded"]
    assert third["reason"] == {"code": "orders_limit", "field": "pair", "value": "SN1TAO", "bound": "2"}
    assert market["error"] == []
