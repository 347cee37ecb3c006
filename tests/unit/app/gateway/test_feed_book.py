import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateway.feeds.channels.book import book_checksum, changes, snapshot_data, update_data
from app.gateway.kraken.depth import Depth, Level
from app.gateway.kraken.names import LOT_RAO, PRICE_TICK_RAO, Pair
from ledger.engine.layout import Stage

PAIR = Pair(netuid=1, registered_at=7, stage=Stage.ONLINE)
DEPTH = 10

sides = st.dictionaries(st.integers(1, 40), st.integers(1, 3), max_size=30)


def best(levels: dict[int, int], *, is_bid: bool) -> list[Level]:
    """Return the levels that a book of ``DEPTH`` shows."""
    return [Level(price, levels[price]) for price in sorted(levels, reverse=is_bid)[:DEPTH]]


def applied(before: list[Level], diff: list[Level], *, is_bid: bool, cuts_each: bool) -> list[Level]:
    """Return what a client holds after a frame; some cut to the depth after each level, some at the end."""
    held = {level.price: level.volume for level in before}
    for level in diff:
        held[level.price] = level.volume
        held = {price: volume for price, volume in held.items() if volume}
        if cuts_each:
            held = {level.price: level.volume for level in best(held, is_bid=is_bid)}
    return best(held, is_bid=is_bid)


@given(was=sides, now=sides, is_bid=st.booleans(), cuts_each=st.booleans())
def test_a_client_that_applies_the_changes_holds_the_new_book(
    was: dict[int, int], now: dict[int, int], *, is_bid: bool, cuts_each: bool
) -> None:
    before, after = best(was, is_bid=is_bid), best(now, is_bid=is_bid)

    diff = changes(before, after, depth=DEPTH, is_bid=is_bid)

    assert applied(before, diff, is_bid=is_bid, cuts_each=cuts_each) == after


@given(was=sides, now=sides, is_bid=st.booleans())
def test_only_what_changed_is_told_and_no_level_that_slid_out(
    was: dict[int, int], now: dict[int, int], *, is_bid: bool
) -> None:
    before, after = best(was, is_bid=is_bid), best(now, is_bid=is_bid)

    diff = changes(before, after, depth=DEPTH, is_bid=is_bid)

    assert not set(diff) & set(before)
    gone = [level.price for level in diff if level.volume == 0]
    assert all(price in {level.price for level in before} for price in gone)
    if len(after) == DEPTH:
        worst = after[-1].price
        assert all(price > worst if is_bid else price < worst for price in gone)


def test_frames_hold_full_decimals_and_the_checksum_of_the_ten_best() -> None:
    level = Level(20_000 * PRICE_TICK_RAO, 5 * LOT_RAO)
    before, after = Depth((level,), ()), Depth((Level(level.price, 7 * LOT_RAO),), (level,))

    (snapshot,) = snapshot_data(PAIR, before)
    (update,) = update_data(PAIR, before, after, depth=DEPTH, now_ms=0)

    assert bytes(snapshot["asks"][0]["price"]) == b"0.00020000"
    assert bytes(snapshot["asks"][0]["qty"]) == b"0.00000005"
    assert (snapshot["checksum"], update["checksum"]) == (book_checksum(before), book_checksum(after))
    assert snapshot["checksum"] != update["checksum"]
    assert update["timestamp"] == "1970-01-01T00:00:00.000Z"
    assert update_data(PAIR, after, after, depth=DEPTH, now_ms=0) == []


@pytest.mark.parametrize("volume", [1, 90_000_000 * 10**8])
def test_the_checksum_of_a_book_is_the_one_of_its_text(volume: int) -> None:
    asks = (Level(12 * PRICE_TICK_RAO, volume * LOT_RAO),)

    assert book_checksum(Depth(asks, asks)) == zlib.crc32(f"12{volume}12{volume}".encode())
