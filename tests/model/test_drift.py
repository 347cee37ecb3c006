"""How far rounding takes a mirror: the bound that law 3 is held to, against the curve itself."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from amm.errors import SwapRefused
from amm.exchange_reference import buy_in, buy_out, mirror, sell_in
from amm.reference import Pool
from tests.support.naive import drift

POOLS = st.builds(
    Pool,
    st.integers(10**9, 10**15),
    st.integers(10**7, 4 * 10**15),
    st.one_of(st.just(5 * 10**17), st.integers(3 * 10**17, 7 * 10**17)),
    st.sampled_from((0, 33, 1_000)),
)
SHARES = st.integers(1, 10**6)
"""Parts per ten million of a reserve."""


def step(pool, kind, share):
    if kind == "exact TAO":
        return buy_in(pool, max(pool.tao * share // 10**7, 1)).pool
    alpha = max(pool.alpha * share // 10**7, 1)
    return buy_out(pool, alpha).pool if kind == "exact alpha" else sell_in(pool, alpha).pool


@given(
    POOLS,
    st.integers(-5_000, 5_000),
    st.lists(st.tuples(st.sampled_from(("exact TAO", "exact alpha", "sale")), SHARES), min_size=1, max_size=12),
)
def test_no_run_of_fills_takes_a_mirror_further_than_the_bound(head, pending_ppm, steps):
    pending = head.alpha * pending_ppm // 1_000_000
    now = mirror(head, pending)
    far = drift.of_mirror(head, now)
    for kind, share in steps:
        try:
            after = step(now, kind, share)
        except SwapRefused:
            continue
        far = drift.carried(far, now, after, drift.of_step(now, after))
        now = after
    try:
        anew = mirror(head, head.alpha - now.alpha)
    except SwapRefused:
        assume(condition=False)

    assert abs(anew.tao - now.tao) <= far + drift.of_mirror(head, anew)


@pytest.mark.parametrize(("price", "most"), [(1, 1), (96, 97)])
def test_a_purchase_may_be_off_by_what_a_rao_of_alpha_costs(price, most):
    head = Pool(10**13 * price, 10**13)

    after = buy_in(head, 10**9).pool

    assert price <= drift.of_step(head, after) <= most + 1
    assert drift.of_step(head, sell_in(head, 10**9).pool) == 2


def test_a_mirror_with_nothing_pending_is_the_head():
    head = Pool(10**14, 10**15)

    assert drift.of_mirror(head, mirror(head, 0)) == 0
    assert drift.of_mirror(head, mirror(head, 10**9)) == drift.of_mirror(head, mirror(head, -(10**9))) == 1
