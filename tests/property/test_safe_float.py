from hypothesis import given
from hypothesis import strategies as st

from chain.runtime import safe_float
from chain.runtime.safe_float import MANTISSA_MAX, ZERO, SafeFloat
from chain.runtime.subtensor import share_pool
from chain.runtime.subtensor.share_pool import Pool

amounts = st.integers(0, 2**63 - 1)
numbers = st.tuples(st.integers(0, 10**24), st.integers(-40, 40)).map(lambda pair: safe_float.normalise(*pair))


def is_normal(value: SafeFloat) -> bool:
    return value == ZERO or 10**20 < value[0] <= MANTISSA_MAX


@given(a=numbers, b=numbers, c=numbers)
def test_every_result_has_21_digits(a: SafeFloat, b: SafeFloat, c: SafeFloat) -> None:
    results = [safe_float.add(a, b), safe_float.mul_div(a, b, c), safe_float.div(a, b)]
    less = safe_float.sub(a, b)
    results += [less] if less is not None else []

    assert all(is_normal(result) for result in results)
    assert safe_float.add(a, b) == safe_float.add(b, a)


@given(value=amounts)
def test_a_whole_number_up_to_21_digits_is_kept_exactly(value: int) -> None:
    assert safe_float.to_u64(safe_float.from_int(value)) == value


@given(a=numbers)
def test_nothing_can_be_taken_from_zero(a: SafeFloat) -> None:
    assert safe_float.sub(ZERO, a) == (ZERO if a == ZERO else None)


@given(first=st.integers(1, 10**18), second=st.integers(1, 10**18), grown=st.integers(0, 10**18))
def test_stakes_never_sum_to_more_than_the_pool_and_lose_a_rao_each_at_most(
    first: int, second: int, grown: int
) -> None:
    pool, share = share_pool.with_change(Pool(0, ZERO), ZERO, first)
    pool = share_pool.with_emission(pool, grown)
    if not share_pool.is_deposit_exact_enough(pool, second):
        return
    pool, other = share_pool.with_change(pool, ZERO, second)

    stakes = share_pool.stake_of(pool, share), share_pool.stake_of(pool, other)

    assert sum(stakes) <= pool.value == first + second + grown
    assert pool.value - sum(stakes) <= 2
    assert second - 1 <= stakes[1] <= second


@given(first=st.integers(1, 10**18), taken=st.integers(1, 10**18))
def test_what_is_taken_out_leaves_the_pool_with_the_rest(first: int, taken: int) -> None:
    taken = min(first, taken)
    pool, share = share_pool.with_change(Pool(0, ZERO), ZERO, first)

    pool, share = share_pool.with_change(pool, share, -taken)

    assert pool.value == first - taken
    assert share_pool.stake_of(pool, share) == first - taken
