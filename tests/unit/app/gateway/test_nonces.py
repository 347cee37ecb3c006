import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateway.nonces import NONCE_MAX, SEEN_MAX, MemoryNonces, Used, accept, parse_nonce

nonces = st.integers(1, NONCE_MAX)


@given(asked=st.lists(st.integers(1, 300), max_size=200), window=st.integers(0, 100))
def test_a_nonce_is_accepted_once_and_never_below_the_window(asked: list[int], window: int) -> None:
    used = Used()
    taken: set[int] = set()
    for nonce in asked:
        after = accept(used, nonce, window)

        right = nonce not in taken and nonce > max(taken, default=0) - window
        assert (after is not None) == right
        if after is not None:
            taken.add(nonce)
            used = after
            assert used.highest == max(taken)


@given(asked=st.lists(nonces, max_size=50))
def test_without_a_window_accepted_nonces_rise(asked: list[int]) -> None:
    used, accepted = Used(), []
    for nonce in asked:
        after = accept(used, nonce, 0)
        if after is not None:
            accepted.append(nonce)
            used = after

    assert accepted == sorted(set(accepted))


def test_what_had_to_be_forgotten_is_never_accepted_again() -> None:
    used = Used()
    window = 10**9
    first = range(10**6, 10**6 + 2 * (SEEN_MAX + 50), 2)
    for nonce in first:
        used = accept(used, nonce, window) or used

    assert len(used.seen) <= SEEN_MAX
    assert all(accept(used, nonce, window) is None for nonce in first)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "0x10", "1e3", " 1", "\u0661", str(2**64), "1" * 25])
def test_a_text_that_is_no_unsigned_integer_is_no_nonce(text: str) -> None:
    assert parse_nonce(text) is None


def test_the_largest_nonce_is_taken() -> None:
    assert parse_nonce(str(NONCE_MAX)) == NONCE_MAX


async def test_keys_do_not_share_nonces() -> None:
    store = MemoryNonces()

    assert await store.accept("a", 5, 0)
    assert await store.accept("b", 5, 0)
    assert not await store.accept("a", 5, 0)
