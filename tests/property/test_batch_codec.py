"""Batches: one canonical form, decoded back exactly, and everything else refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.codec import HEADER, PAGE_BYTES, Batch, decode_body, join_pages, open_body, seal, split_pages
from ledger.engine.layout import EVENT
from ledger.log.base import EMPTY_HEAD
from ledger.log.copying import SIGNATURE, encode_copy
from ledger.log.errors import BatchMalformed
from tests.support.batches import batch_after, some_events

payload_lists = st.lists(st.binary(max_size=300), max_size=5) | st.lists(
    st.integers(7_900, 50_000).map(lambda size: bytes(size % 251 for _ in range(1)) * size), max_size=2
)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    payloads = draw(payload_lists)
    count = draw(st.integers(1, 200))
    events = some_events(draw(st.integers(1, 2**62)), count, seed=draw(st.integers(0, 2**32)))
    if payloads:
        events["payload"] = draw(st.lists(st.integers(0, len(payloads)), min_size=count, max_size=count))
    return seal(
        number=draw(st.integers(0, 2**62)),
        ts_ms=draw(st.integers(0, 2**63 - 1)),
        writer_epoch=draw(st.integers(0, 2**63 - 1)),
        events=events,
        payloads=payloads,
        previous=draw(st.binary(min_size=32, max_size=32)),
    )


@given(batches())
def test_a_batch_comes_back_from_its_pages_exactly(batch: Batch) -> None:
    pages = split_pages(batch.body)
    again = open_body(number=batch.number, previous=batch.previous, body=join_pages(pages))

    assert again.hash == batch.hash
    assert again.body == batch.body
    assert np.array_equal(again.events, batch.events)
    for name in ("number", "ts_ms", "writer_epoch", "first_seq", "last_seq", "payloads", "previous", "page_count"):
        assert getattr(again, name) == getattr(batch, name)
    assert len(pages) == batch.page_count
    assert all(len(page) == PAGE_BYTES for page in pages[:-1])
    assert again.events.flags.writeable


@given(batches(), st.data())
def test_a_changed_byte_is_refused_or_changes_the_hash(batch: Batch, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(batch.body) - 1))
    flip = data.draw(st.integers(1, 255))
    body = batch.body[:position] + bytes([batch.body[position] ^ flip]) + batch.body[position + 1 :]

    try:
        again = open_body(number=batch.number, previous=batch.previous, body=body)
    except BatchMalformed:
        return

    assert again.hash != batch.hash


@given(batches(), st.data())
def test_a_body_that_is_cut_or_longer_is_refused(batch: Batch, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(batch.body) - 1))

    with pytest.raises(BatchMalformed):
        decode_body(batch.body[:cut])
    with pytest.raises(BatchMalformed):
        decode_body(batch.body + data.draw(st.binary(min_size=1, max_size=9)))


@given(st.binary(max_size=400) | st.binary(max_size=400).map(lambda tail: b"TBLB\x01\x00\x80\x00" + tail))
def test_arbitrary_bytes_are_decoded_only_if_they_are_canonical(body: bytes) -> None:
    try:
        ts_ms, writer_epoch, events, payloads = decode_body(body)
    except BatchMalformed:
        return

    again = seal(number=0, ts_ms=ts_ms, writer_epoch=writer_epoch, events=events, payloads=payloads, previous=bytes(32))
    assert again.body == body


@given(batches())
def test_the_copied_rows_hold_the_body_in_order(batch: Batch) -> None:
    """Read the binary COPY stream back field by field, as the server does."""
    stream = encode_copy(batch)
    assert stream.startswith(SIGNATURE)
    offset = len(SIGNATURE)
    pages: list[bytes] = []

    def take(size: int) -> bytes:
        nonlocal offset
        offset += size
        return stream[offset - size : offset]

    while (fields := int.from_bytes(take(2), "big", signed=True)) != -1:
        values = [take(int.from_bytes(take(4), "big")) for _ in range(fields)]
        assert int.from_bytes(values[0], "big") == batch.first_seq
        assert int.from_bytes(values[1], "big") == len(pages)
        pages.append(values[2])

    assert offset == len(stream)
    assert pages == split_pages(batch.body)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda events: events["seq"].__setitem__(1, 9), "contiguous"),
        (lambda events: events["seq"].__isub__(1), "contiguous"),
        (lambda events: events["payload"].__setitem__(2, 2), "payload 2 of 1"),
    ],
)
def test_events_that_would_not_decode_are_never_sealed(change: object, says: str) -> None:
    events = some_events(1, 3)
    change(events)  # type: ignore[operator]

    with pytest.raises(BatchMalformed, match=says):
        seal(number=0, ts_ms=1, writer_epoch=1, events=events, payloads=(b"x",), previous=bytes(32))


def test_a_batch_without_events_or_with_a_huge_payload_is_never_sealed() -> None:
    with pytest.raises(BatchMalformed, match="0 events"):
        seal(number=0, ts_ms=1, writer_epoch=1, events=some_events(1, 0), payloads=(), previous=bytes(32))
    with pytest.raises(BatchMalformed, match="at most 1048576"):
        batch_after(EMPTY_HEAD, payloads=[bytes(2**20 + 1)])
    assert len(batch_after(EMPTY_HEAD, payloads=[bytes(2**20)]).payloads[0]) == 2**20


@pytest.mark.parametrize(("offset", "says"), [(0, "magic"), (4, "layout"), (6, "layout"), (24, "first seq")])
def test_a_header_of_another_kind_is_named(offset: int, says: str) -> None:
    body = bytearray(batch_after(EMPTY_HEAD).body)
    body[offset] ^= 7

    with pytest.raises(BatchMalformed, match=says):
        decode_body(bytes(body))


def test_a_header_of_the_layout_is_forty_bytes_and_events_follow_it() -> None:
    batch = batch_after(EMPTY_HEAD, 2)

    assert HEADER.size == 40
    assert batch.body[40:] == batch.events.tobytes()
    assert EVENT.itemsize == 128
