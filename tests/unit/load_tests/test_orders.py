"""What clients order, how it is signed, and what the naive exchanges compute."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateway.auth import is_signed
from app.gateway.kraken.fields import parse_form
from load_tests.baselines import constant_product
from load_tests.http_clients import PATH, Key, sign_order
from load_tests.orders import LARGEST_LOTS, LOT_RAO, SMALLEST_LOTS, MarketOrder, draw_orders

TERMS = {"fee_rate": 33, "taker_ppm": 2_600}


@pytest.mark.parametrize("count", [1, 2, 7])
def test_nobody_sells_what_was_not_bought_just_before(count: int) -> None:
    orders = draw_orders(3, 5, count, seed=1)

    assert [len(own) for own in orders] == [count] * 3
    for account, own in enumerate(orders, 1):
        for bought, sold in zip(own[::2], own[1::2], strict=False):
            assert (bought.is_sell, sold.is_sell) == (False, True)
            assert (bought.account, bought.netuid, bought.volume) == (account, sold.netuid, sold.volume)
            assert 1 <= bought.netuid <= 5


def test_the_same_seed_draws_the_same_orders() -> None:
    assert draw_orders(2, 5, 4, seed=1) == draw_orders(2, 5, 4, seed=1) != draw_orders(2, 5, 4, seed=2)


def test_a_signed_order_is_what_the_gateway_reads() -> None:
    secret = bytes(range(64))
    order = MarketOrder(account=1, netuid=12, is_sell=True, volume=10 * 123_456_789)

    head, _, body = sign_order(order, Key("key", base64.b64encode(secret).decode()), 7).partition(b"\r\n\r\n")

    headers = dict(line.split(": ") for line in head.decode().split("\r\n")[1:])
    assert head.startswith(f"POST {PATH} HTTP/1.1".encode())
    assert int(headers["Content-Length"]) == len(body)
    assert is_signed(PATH, "7", body, secret=secret, signature=headers["API-Sign"])
    assert parse_form(body) == {
        "nonce": "7", "ordertype": "market", "type": "sell", "volume": "1.23456789", "pair": "SN12TAO",
    }  # fmt: skip


reserves = st.integers(10**12, 10**16)
volumes = st.integers(SMALLEST_LOTS * LOT_RAO, LARGEST_LOTS * LOT_RAO)


@given(tao=reserves, alpha=reserves, volume=volumes)
def test_naive_prices_never_pay_more_than_the_curve(tao: int, alpha: int, volume: int) -> None:
    bought = constant_product.buy(tao, alpha, volume, **TERMS)
    sold = constant_product.sell(bought.pool_tao, bought.pool_alpha, volume, **TERMS)

    assert bought.pool_tao * bought.pool_alpha >= tao * alpha
    assert sold.pool_tao * sold.pool_alpha >= bought.pool_tao * bought.pool_alpha
    assert sold.tao <= bought.tao
    assert bought.fee == (bought.tao * 2_600 + 500_000) // 10**6
