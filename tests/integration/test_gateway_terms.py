"""What the exchange says of itself, and that it keeps it: a repeated order is known for the whole horizon."""

import httpx
import pytest

from tests.support import small_exchange as kit
from tests.support.small_exchange import ALICE, Client, SmallExchange

DAY_MS = 86_400_000
ORDER = {"pair": "SN1TAO", "type": "sell", "ordertype": "limit", "volume": "1", "price": "1000", "cl_ord_id": "mine"}


async def test_the_terms_are_told(exchange: SmallExchange) -> None:
    async with httpx.AsyncClient(base_url=exchange.rest) as http:
        told = (await http.get("/v1/terms")).json()

    assert told["idempotency_horizon_ms"] >= 7 * DAY_MS
    assert (told["batch_orders_max"], told["batch_cancels_max"], told["socket_requests_max"]) == (15, 50, 64)
    assert told["frame_bytes_max"] == exchange.parts.settings.frame_bytes_max


@pytest.mark.parametrize("later_ms", [0, DAY_MS, 7 * DAY_MS])
async def test_an_order_sent_again_within_the_horizon_appends_nothing(later_ms: int) -> None:
    exchange = await kit.build()
    async with kit.serve(exchange), httpx.AsyncClient(base_url=exchange.rest) as http:
        alice = Client(http, exchange.keys[ALICE])
        told = (await http.get("/v1/terms")).json()
        assert later_ms <= told["idempotency_horizon_ms"]
        first = await alice.ok("AddOrder", **ORDER)
        exchange.clock.now_ms += later_ms
        seq = exchange.engine.seq

        again = await alice.ok("AddOrder", **ORDER)

        assert again["txid"] == first["txid"]
        assert exchange.engine.seq == seq
