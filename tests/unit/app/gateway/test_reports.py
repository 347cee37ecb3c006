from hypothesis import given
from hypothesis import strategies as st

from amm.steps import buy_in, sell_in
from app.gateway.folds.pools import PoolAt
from app.gateway.reports import alone_on_chain

TAO = 10**9
POOL = PoolAt(7, bytes(32), 100_000 * TAO, 5_000_000 * TAO, 5 * 10**17, 33)
RESERVES = (POOL.tao, POOL.alpha, POOL.weight, POOL.fee_rate)


@given(cost=st.integers(10**6, 1_000 * TAO))
def test_a_fill_on_the_heads_own_pool_is_no_better_and_at_most_a_rao_worse(cost: int) -> None:
    volume = buy_in(*RESERVES, cost)[3]

    bought = alone_on_chain(POOL, is_sell=False, volume=volume, cost=cost)
    sold = alone_on_chain(POOL, is_sell=True, volume=volume, cost=sell_in(*RESERVES, volume)[1])

    assert bought is not None
    assert sold is not None
    assert bought.alpha == volume
    assert -1 <= bought.improvement <= 0
    assert sold.improvement == 0


def test_a_better_price_is_told_as_the_difference_in_tao() -> None:
    cost = 10 * TAO
    volume = buy_in(*RESERVES, cost)[3]

    told = alone_on_chain(POOL, is_sell=False, volume=volume, cost=cost - 500)

    assert told is not None
    assert told.improvement in {499, 500}
    assert told.alpha < volume


def test_what_the_chain_would_refuse_has_no_comparison() -> None:
    assert alone_on_chain(POOL, is_sell=False, volume=POOL.alpha, cost=TAO) is None
    assert alone_on_chain(POOL, is_sell=True, volume=0, cost=0) is None
