"""Quotes and execution reports at the ``/v1`` door, held against what the engine then does."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amm.steps import buy_out, sell_in
from tests.support import small_exchange as kit
from tests.support.small_exchange import NETUID, POOL_ALPHA, POOL_TAO, TAO, Client, SmallExchange, lots, rao

FIRM = {"symbol": "SN1/TAO", "side": "buy", "volume": "5"}


async def quote(client: Client, **asked: str) -> dict[str, str]:
    answer = await client.http.get("/v1/quote", params={"symbol": "SN1/TAO", **asked})
    assert answer.status_code == 200, answer.text
    told: dict[str, str] = answer.json()
    return told


async def clear(client: Client) -> None:
    await client.ok("CancelAll")


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    side=st.sampled_from(["buy", "sell"]),
    volume=st.integers(10**7, 60 * 10**8),
    resting=st.lists(st.tuples(st.integers(-60, 60), st.integers(1, 30)), max_size=4),
)
async def test_a_quote_is_what_the_order_gets_to_the_rao(
    exchange: SmallExchange, alice: Client, bob: Client, side: str, volume: int, resting: list[tuple[int, int]]
) -> None:
    """Book and curve together, part by part, for any book."""
    await exchange.import_head(deposits={kit.ALICE: (1_000 * TAO, 1_000 * TAO), kit.BOB: (100 * TAO, 2_000 * TAO)})
    for offset, size in resting:
        price = f"{0.02 + offset / 10**6:.8f}"
        maker = {"pair": "SN1TAO", "ordertype": "limit", "price": price, "volume": str(size), "oflags": "post"}
        await bob.private("AddOrder", **maker, type="sell" if offset > 0 else "buy")
    text = lots(volume * 10)
    seq = exchange.replica.seq
    told = await quote(alice, side=side, volume=text)
    assert exchange.replica.seq == seq == int(told["seq"])

    placed = await alice.ok("AddOrder", pair="SN1TAO", type=side, ordertype="market", volume=text)
    order = (await alice.ok("QueryOrders", txid=placed["txid"][0], trades="true"))[placed["txid"][0]]
    if told["mode"] == "block":
        assert order["status"] == "open"
    else:
        assert (order["vol_exec"], order["cost"], order["fee"]) == (told["volume"], told["cost"], told["fee"])
        assert len(order["trades"]) == len(told["parts"])
    await clear(alice)
    await clear(bob)


async def test_a_quote_in_tao_never_asks_for_more(alice: Client) -> None:
    told = await quote(alice, side="buy", total="10")
    placed = await alice.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="10", oflags="viqc")
    order = (await alice.ok("QueryOrders", txid=placed["txid"][0]))[placed["txid"][0]]

    assert told["max_paid"] is not None
    assert 10 * TAO - 2 <= rao(told["max_paid"]) <= 10 * TAO
    assert (order["vol_exec"], order["cost"], order["fee"]) == (told["volume"], told["cost"], told["fee"])


async def test_a_quote_names_its_head_and_what_would_wait_for_the_block(exchange: SmallExchange, alice: Client) -> None:
    small, large = await quote(alice, side="buy", volume="5"), await quote(alice, side="buy", total="60")

    assert (small["mode"], small["reason"], large["mode"]) == ("instant", None, "block")
    assert "capacity" in large["reason"]
    assert small["head_hash"] == f"0x{kit.block_hash(exchange.height).hex()}"
    limited = await quote(alice, side="buy", volume="5", limit_price="0.0199")
    assert (limited["volume"], limited["mode"], limited["is_whole"]) == ("0.000000000", "none", False)


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"symbol": "SN9/TAO", "side": "buy", "volume": "1"}, 404, "unknown_market"),
        ({"symbol": "SN1/TAO", "side": "buy"}, 422, "malformed_request"),
        ({"symbol": "SN1/TAO", "side": "sell", "total": "1"}, 422, "malformed_request"),
        ({"symbol": "SN1/TAO", "side": "hold", "volume": "1"}, 422, "malformed_request"),
        ({"symbol": "SN1/TAO", "side": "buy", "volume": "-1"}, 422, "malformed_request"),
        ({"symbol": "SN1/TAO", "side": "buy", "volume": "1", "limit_price": "x"}, 422, "malformed_amount"),
    ],
)
async def test_what_cannot_be_quoted_is_a_problem(alice: Client, asked: dict[str, str], status: int, code: str) -> None:
    answer = await alice.http.get("/v1/quote", params=asked)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("side", ["buy", "sell"])
async def test_a_firm_quote_is_filled_to_the_rao_after_the_head_moved(
    exchange: SmallExchange, alice: Client, side: str
) -> None:
    issued = await alice.v1("POST", "/v1/firm-quotes", FIRM | {"side": side, "life_ms": "12000"})
    assert issued.status_code == 201, issued.text
    told = issued.json()
    assert told["state"] == "live"
    held = await alice.ok("BalanceEx")
    given = rao(told["max_paid"]) if side == "buy" else 5 * TAO
    assert rao(held["TAO" if side == "buy" else "SN1"]["hold_trade"]) == given
    exchange.clock.now_ms -= kit.BLOCK_MS - 5_000  # the head comes while the quote lives
    await exchange.import_head(pool=(POOL_TAO * 101 // 100, POOL_ALPHA))

    taken = (await alice.v1("POST", f"/v1/firm-quotes/{told['id']}/take")).json()

    assert (taken["state"], taken["cost"], taken["fee"]) == ("taken", told["cost"], told["fee"])
    report = (await alice.v1("GET", f"/v1/fills/{taken['fill']}")).json()
    assert (report["mode"], report["volume"], report["cost"]) == ("instant", "5.000000000", told["cost"])
    after = await alice.ok("Balance")
    sign = 1 if side == "buy" else -1
    assert rao(after["SN1"]) == 500 * TAO + sign * 5 * TAO
    assert rao(after["TAO"]) == 1_000 * TAO - sign * rao(told["cost"]) - rao(told["fee"])
    (trade,) = (await alice.ok("TradesHistory"))["trades"].values()
    assert (await alice.ok("QueryOrders", txid=trade["ordertxid"]))[trade["ordertxid"]]["status"] == "closed"


async def test_a_firm_quote_is_issued_once_per_idempotency_key_and_can_be_released(alice: Client) -> None:
    first = await alice.v1("POST", "/v1/firm-quotes", FIRM, **{"Idempotency-Key": "one"})
    again = await alice.v1("POST", "/v1/firm-quotes", FIRM, **{"Idempotency-Key": "one"})
    other = await alice.v1("POST", "/v1/firm-quotes", FIRM | {"volume": "6"}, **{"Idempotency-Key": "one"})
    assert first.json()["id"] == again.json()["id"]
    assert (other.status_code, other.json()["code"]) == (409, "id_reused")
    path = f"/v1/firm-quotes/{first.json()['id']}"

    released = await alice.v1("DELETE", path)

    assert (released.json()["state"], (await alice.v1("GET", path)).json()["state"]) == ("ended", "ended")
    assert (await alice.ok("BalanceEx"))["TAO"]["hold_trade"] == "0.000000000"
    late = await alice.v1("POST", f"{path}/take")
    assert (late.status_code, late.json()["code"]) == (404, "unknown_quote")


async def test_a_firm_quote_is_its_own_accounts_alone_and_bounded(alice: Client, bob: Client) -> None:
    ids = [(await alice.v1("POST", "/v1/firm-quotes", FIRM)).json()["id"] for _ in range(3)]
    fourth = await alice.v1("POST", "/v1/firm-quotes", FIRM)
    stranger = await bob.v1("GET", f"/v1/firm-quotes/{ids[0]}")
    unsigned = await alice.http.get(f"/v1/firm-quotes/{ids[0]}")
    poor = await bob.v1("POST", "/v1/firm-quotes", FIRM | {"volume": "600"})

    assert (fourth.status_code, fourth.json()["code"]) == (409, "too_many")
    assert (stranger.status_code, unsigned.status_code) == (404, 401)
    assert (poor.status_code, poor.json()["code"]) == (409, "insufficient_funds")


async def test_every_fill_has_its_report(exchange: SmallExchange, alice: Client, bob: Client) -> None:
    sale = {"pair": "SN1TAO", "ordertype": "limit", "price": "0.020005"}
    await alice.ok("AddOrder", **sale, type="sell", volume="3")
    placed = await bob.ok("AddOrder", pair="SN1TAO", type="buy", ordertype="market", volume="10")

    order = (await bob.v1("GET", f"/v1/orders/{placed['txid'][0]}")).json()

    crossed, swapped = order["fills"]
    assert [(fill["mode"], fill["role"]) for fill in order["fills"]] == [("cross", "taker"), ("instant", "taker")]
    pool = (POOL_TAO, POOL_ALPHA, kit.WEIGHT, kit.FEE_RATE)
    for fill in (crossed, swapped, order):
        volume = rao(fill["volume"])
        alone = buy_out(*pool, volume)[1]
        assert rao(fill["chain"]["cost"]) == alone
        better = alone - rao(fill["cost"])
        told = fill["chain"]["improvement"]
        assert better == (-rao(told[1:]) if told.startswith("-") else rao(told))
    assert rao(crossed["chain"]["improvement"]) > 0
    assert (crossed["head"], crossed["head_hash"]) == (exchange.height, f"0x{kit.block_hash(exchange.height).hex()}")
    assert (rao(swapped["reserve_tao"]), rao(swapped["reserve_alpha"])) == (POOL_TAO, POOL_ALPHA)
    alone_fill = (await bob.v1("GET", f"/v1/fills/{crossed['id']}")).json()
    assert alone_fill == crossed
    (maker,) = (await alice.ok("TradesHistory"))["trades"]
    mine = (await alice.v1("GET", f"/v1/fills/{maker}")).json()
    assert (mine["role"], mine["side"], mine["trade_id"]) == ("maker", "sell", crossed["trade_id"])
    assert rao(mine["chain"]["cost"]) == sell_in(*pool, 3 * TAO)[1]
    assert (await alice.v1("GET", f"/v1/fills/{crossed['id']}")).status_code == 404


async def test_the_document_of_v1_is_openapi_3_1_and_names_the_quotes(alice: Client) -> None:
    document = (await alice.http.get("/v1/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    paths = {
        "/v1/quote",
        "/v1/firm-quotes",
        "/v1/firm-quotes/{quote_id}/take",
        "/v1/orders/{order}",
        "/v1/fills/{fill}",
    }
    assert paths <= set(document["paths"])
    assert set(document["paths"]["/v1/firm-quotes/{quote_id}"]) == {"get", "delete"}
    assert NETUID == 1
