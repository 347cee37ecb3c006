"""What Depth shows of a weighted pool is what orders get, through the real door."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import small_exchange as kit
from tests.support.small_exchange import ALICE, POOL_ALPHA, POOL_TAO, TAO, Client, SmallExchange, lots, rao

UNIT = 10**18


@pytest.fixture
async def exchange() -> AsyncIterator[SmallExchange]:
    built = await kit.build()
    async with kit.serve(built):
        await built.import_head(deposits={ALICE: (10_000 * TAO, 50_000 * TAO)})
        yield built


async def weigh(exchange: SmallExchange, weight: int) -> None:
    """Import heads of a pool of this weight until instant trading is open.

    The first of them may be a jump of the price, after which the exchange waits for another.
    """
    alpha = POOL_ALPHA * (UNIT - weight) // weight
    for _ in range(3):
        await exchange.import_head(pool=(POOL_TAO, alpha), weight=weight)


async def take_shown(alice: Client, side: str, level: int) -> None:
    shown = (await alice.public("Depth", pair="SN1TAO", count=10))["result"]["SN1TAO"][side]
    assert len(shown) == 10
    volume = sum(rao(row[1]) for row in shown[:level])
    price = shown[level - 1][0]
    ticker = (await alice.public("Ticker", pair="SN1TAO"))["result"]["SN1TAO"]
    assert ticker["a" if side == "asks" else "b"][0] == shown[0][0]

    placed = await alice.ok(
        "AddOrder",
        pair="SN1TAO",
        type="buy" if side == "asks" else "sell",
        ordertype="limit",
        timeinforce="IOC",
        price=price,
        volume=lots(volume),
    )

    order = (await alice.ok("QueryOrders", txid=placed["txid"][0]))[placed["txid"][0]]
    assert (order["status"], rao(order["vol_exec"])) == ("closed", volume)
    cost = rao(order["cost"])
    assert cost * TAO <= rao(price) * volume if side == "asks" else cost * TAO >= rao(price) * volume


@pytest.mark.parametrize("weight", [30, 45, 49, 51, 55, 70])
async def test_an_ioc_at_each_shown_level_of_a_weighted_pool_fills_for_the_sum_shown(
    exchange: SmallExchange, alice: Client, weight: int
) -> None:
    for level in range(1, 11):
        for side in ("asks", "bids"):
            await weigh(exchange, weight * UNIT // 100)
            await take_shown(alice, side, level)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    weight=st.integers(3 * UNIT // 10, 7 * UNIT // 10),
    orders=st.lists(st.tuples(st.sampled_from(["asks", "bids"]), st.integers(1, 3)), min_size=1, max_size=3),
)
async def test_books_after_fills_in_one_block_are_still_true(
    exchange: SmallExchange, alice: Client, weight: int, orders: list[tuple[str, int]]
) -> None:
    await weigh(exchange, weight)

    for side, level in orders:
        await take_shown(alice, side, level)


async def test_ledgers_of_fills_in_weighted_pools_sum_to_the_balance(exchange: SmallExchange, alice: Client) -> None:
    await weigh(exchange, 55 * UNIT // 100)
    for side, volume in (("buy", "12.345"), ("sell", "7.77777777"), ("buy", "0.1")):
        await alice.ok("AddOrder", pair="SN1TAO", type=side, ordertype="market", volume=volume)

    rows = (await alice.ok("Ledgers"))["ledger"].values()

    for asset, balance in (await alice.ok("Balance")).items():
        mine = [row for row in rows if row["asset"] == asset]
        changes = [row["amount"] for row in mine]
        signed = sum(-rao(text[1:]) if text.startswith("-") else rao(text) for text in changes)
        assert signed - sum(rao(row["fee"]) for row in mine) == rao(balance)
        assert mine[0]["balance"] == balance
