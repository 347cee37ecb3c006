"""A token that one gateway gave is good at every other with the same master key, for as long as it lives."""

import pytest

from app.gateway.auth import TOKEN_SECONDS, TRADER, ApiKey
from app.gateway.tokens import TOKEN_LENGTH_MAX, SealedTokens

MASTER = bytes(range(32))
KEY = ApiKey("the key", 1, TRADER, 0, "sealed")
END_MS = TOKEN_SECONDS * 1_000


def gateway(*, keys: dict[str, ApiKey] | None = None, master: bytes = MASTER, tokens_max: int = 10) -> SealedTokens:
    known = {KEY.key: KEY} if keys is None else keys
    return SealedTokens(master, known.get, tokens_max=tokens_max)


def test_any_gateway_of_the_exchange_takes_it_and_no_other_exchange_does() -> None:
    token = gateway().issue(KEY, 0)

    assert gateway().find(token, END_MS - 1) is KEY
    assert gateway(master=bytes(32)).find(token, 0) is None
    assert gateway(keys={}).find(token, 0) is None


def test_it_expires_everywhere_at_the_same_moment() -> None:
    one, other = gateway(), gateway()
    token = one.issue(KEY, 0)
    assert other.find(token, 1) is KEY

    assert one.find(token, END_MS) is None
    assert other.find(token, END_MS) is None
    assert gateway().find(token, END_MS) is None


def test_a_held_token_outlives_its_time_where_it_is_held() -> None:
    one, other = gateway(), gateway()
    token = one.issue(KEY, 0)
    other.hold(token, KEY)

    assert other.find(token, 2 * END_MS) is KEY
    other.release(token)
    assert other.find(token, 2 * END_MS) is None


def test_one_that_a_gateway_forgot_is_still_good() -> None:
    small = gateway(tokens_max=1)
    tokens = [small.issue(KEY, 0) for _ in range(3)]

    assert [small.find(token, 1) for token in tokens] == [KEY] * 3
    assert len(small._tokens) == 1


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 40, "A" * (TOKEN_LENGTH_MAX + 4), "====", "a b"])
def test_any_other_text_is_no_token(token: str) -> None:
    assert gateway().find(token, 0) is None
