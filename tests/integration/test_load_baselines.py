"""The naive exchanges that ours is measured against do what they say, and so does ours under the same clients."""

import asyncpg
import pytest

from load_tests.baselines.naive_sql import TAO_ASSET, InsufficientFunds, NaiveExchange
from load_tests.child import ChildFailed, ServerChild
from load_tests.counting import Miscounted, check_fills, count_fills
from load_tests.driver import Options, run_scenario
from load_tests.http_clients import Key, NotPlaced, send_all, sign_order
from load_tests.orders import MarketOrder, draw_orders

TAO = 10**9
MARKETS, ACCOUNTS = 4, 3
RESERVES, TERMS = (1_000_000 * TAO, 50_000_000 * TAO), (33, 2_600)
SIZES = (f"--accounts={ACCOUNTS}", f"--markets={MARKETS}")
CRUD_TERMS = (f"--deposit={TAO}", f"--tao={RESERVES[0]}", f"--alpha={RESERVES[1]}", "--fee-rate=33", "--taker-ppm=2600")


async def opened(url: str, *, deposit: int = 10 * TAO) -> NaiveExchange:
    exchange = NaiveExchange(url, connections=2)
    await exchange.open(accounts=ACCOUNTS, markets=MARKETS, deposit=deposit, reserves=RESERVES, terms=TERMS)
    return exchange


async def rows(url: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def test_the_naive_exchange_fills_every_order_and_its_postings_sum_to_zero(postgres_url: str) -> None:
    exchange = await opened(postgres_url)

    rate, samples = await exchange.measure(draw_orders(ACCOUNTS, MARKETS, 6, seed=1))

    assert rate > 0
    assert len(samples) == await exchange.count_fills() == 6 * ACCOUNTS
    assert set((await exchange.sum_postings()).values()) == {0}
    await exchange.close()
    (house,) = await rows(postgres_url, "SELECT sum(house_tao) AS tao, sum(house_fees) AS fees FROM naive_sql.pools")
    (owned,) = await rows(postgres_url, f"SELECT sum(free) FROM naive_sql.balances WHERE asset = {TAO_ASSET}")
    assert owned["sum"] + house["tao"] + house["fees"] == ACCOUNTS * 10 * TAO
    assert house["fees"] > 0


async def test_the_naive_exchange_refuses_what_is_not_funded_and_changes_nothing(postgres_url: str) -> None:
    exchange = await opened(postgres_url, deposit=1_000)

    for is_sell in (False, True):
        with pytest.raises(InsufficientFunds):
            await exchange.place(MarketOrder(1, 1, is_sell, TAO))

    assert await exchange.count_fills() == 0
    await exchange.close()


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("load_tests.baselines.crud", (*SIZES, *CRUD_TERMS)), ("load_tests.gateway", SIZES)],
)
async def test_servers_under_load_fill_signed_orders_and_refuse_a_wrong_signature(
    module: str, arguments: tuple[str, ...], postgres_url: str
) -> None:
    orders = draw_orders(ACCOUNTS, MARKETS, 4, seed=2)
    async with ServerChild(module, postgres_url, *arguments) as server:
        keys = [Key(*pair) for pair in server.told["keys"]]
        requests = [
            [sign_order(order, key, nonce) for nonce, order in enumerate(own, 1)]
            for key, own in zip(keys, orders, strict=True)
        ]

        rate, samples = await send_all(server.told["port"], requests)

        assert rate > 0
        assert len(samples) == 4 * ACCOUNTS
        for bad in (requests[0][0], sign_order(orders[0][0], Key(keys[0].key, keys[1].secret), 99)):
            with pytest.raises(NotPlaced, match="EAPI:Invalid"):
                await send_all(server.told["port"], [[bad]])
        assert await server.ask("cpu") > 0
        stored = await server.ask("fills") if module.endswith("crud") else await count_fills(postgres_url)
    assert stored == len(samples)


async def test_a_server_that_cannot_start_tells_why() -> None:
    with pytest.raises(ChildFailed, match="required: --markets"):
        async with ServerChild("load_tests.gateway", "postgresql://nowhere", "--accounts=1"):
            pass


def test_a_short_run_of_durable_orders_gives_both_figures_and_latencies() -> None:
    result = run_scenario("order_durable", Options(runs=1, scale=0.03))

    assert result.value > result.baseline > 0
    assert result.details["batch"]["orders"] == 1_000
    assert result.details["alone"]["p50_ms"] > 0
    assert result.details["single"]["median"] > 0
    assert set(result.details["parts"]) == {"decide_ms", "seal_ms", "append_ms", "events"}
    assert result.details["parts"]["events"] >= 1_000


def test_a_fill_too_few_or_too_many_fails_the_load_test() -> None:
    check_fills("x", fills=3, answered=3)
    for fills in (2, 4):
        with pytest.raises(Miscounted):
            check_fills("x", fills=fills, answered=3)
