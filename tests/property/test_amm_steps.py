"""Standing laws of the exchange's steps, for any pool."""

from hypothesis import given
from hypothesis import strategies as st

from amm import exchange_reference, pool, steps
from amm.reference import SCALE, Pool
from tests.support.pools import amounts, outcome, pools, rates

sound_reserves = st.integers(10**9, 2**52)
sound_pools = st.builds(Pool, sound_reserves, sound_reserves, st.integers(SCALE // 10, 9 * SCALE // 10), rates)


@given(given_pool=pools, amount=amounts)
def test_compiled_buys_and_sales_equal_the_reference_for_any_pool(given_pool: Pool, amount: int) -> None:
    row = (given_pool.tao, given_pool.alpha, given_pool.weight, given_pool.fee_rate)
    status, bought = outcome(lambda: exchange_reference.buy_in(given_pool, amount))
    answer = steps.buy_in(*row, amount)
    assert answer[0] == (status or (pool.OK if bought is not None and bought.alpha_out else pool.NO_OUTPUT))
    if answer[0] == pool.OK and bought is not None:
        assert answer[1:4] == (bought.net, bought.pool_fee, bought.alpha_out)
        assert answer[4:] == (bought.pool.tao, bought.pool.alpha)

    status, sold = outcome(lambda: exchange_reference.sell_in(given_pool, amount))
    answer = steps.sell_in(*row, amount)
    assert answer[0] == (status or (pool.OK if sold is not None and sold.tao_out else pool.NO_OUTPUT))
    if answer[0] == pool.OK and sold is not None:
        assert answer[1:4] == (sold.tao_out, sold.pool_fee_alpha, sold.author_tao)
        assert answer[4:] == (sold.pool.tao, sold.pool.alpha)


@given(given_pool=pools, wanted=amounts)
def test_compiled_buys_of_exact_amounts_equal_the_reference_for_any_pool(given_pool: Pool, wanted: int) -> None:
    row = (given_pool.tao, given_pool.alpha, given_pool.weight, given_pool.fee_rate)
    status, bought = outcome(lambda: exchange_reference.buy_out(given_pool, wanted))
    answer = steps.buy_out(*row, wanted)
    assert answer[0] == status
    if bought is not None:
        assert answer[1:] == (bought.cost, bought.net, bought.pool_fee, bought.pool.tao, bought.pool.alpha)


@given(head=pools, pending=st.one_of(amounts, amounts.map(lambda amount: -amount), st.just(0)))
def test_a_compiled_mirror_equals_the_reference_for_any_head(head: Pool, pending: int) -> None:
    status, after = outcome(lambda: exchange_reference.mirror(head, pending))
    answer = steps.mirror(head.tao, head.alpha, head.weight, pending)
    assert answer[0] == status
    if after is not None:
        assert answer[1:] == (after.tao, after.alpha)


@given(given_pool=sound_pools, wanted=st.integers(1, 2**48))
def test_the_net_for_an_output_buys_at_least_that_output(given_pool: Pool, wanted: int) -> None:
    status, net = steps.net_for_out(given_pool.tao, given_pool.alpha, given_pool.weight, wanted)
    if status == pool.OK:
        assert steps.buy_in(given_pool.tao, given_pool.alpha, given_pool.weight, 0, net)[3] >= wanted


@given(given_pool=sound_pools, cost=st.integers(10**4, 2**48))
def test_selling_what_was_bought_leaves_the_mirror_where_it_was(given_pool: Pool, cost: int) -> None:
    """The sale moves the pool by its whole input, the author's part included, so alpha returns to the last unit."""
    row = (given_pool.tao, given_pool.alpha, given_pool.weight, given_pool.fee_rate)
    status, _, _, out, tao, alpha = steps.buy_in(*row, cost)
    if status != pool.OK:
        return
    status, tao_out, _, author, tao_after, alpha_after = steps.sell_in(tao, alpha, row[2], row[3], out)
    if status != pool.OK:
        return
    assert alpha_after == given_pool.alpha
    assert tao_after == tao - tao_out - author
    # What one unit of alpha costs is what rounding the first payout may be worth.
    unit = -(-given_pool.tao // given_pool.alpha) * 100
    assert abs(tao_after - given_pool.tao) <= 3 + unit * (1 + cost // given_pool.tao)
