"""What an event does to a customer's history is what it posts to the customer's accounts."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateway.folds.rows import Row
from app.projections.entries import EntriesFold, changes_of
from ledger.accounts import postings
from ledger.engine.layout import EVENT, NO_NETUID, EventKind, Flag
from tests.support.history import event, step

AMOUNTS = ("amount", "tao", "fee", "limit", "hold", "pool_tao", "pool_alpha", "id_hi")
POSTED = sorted(EntriesFold.kinds - {EventKind.REWARD_POSTED})


@st.composite
def events(draw: st.DrawFn, kinds: list[int]) -> np.void:
    record = np.zeros(1, EVENT)
    record["kind"] = draw(st.sampled_from(kinds))
    record["seq"] = draw(st.integers(1, 2**40))
    record["flags"] = draw(st.sampled_from([0, int(Flag.SELL)])) | draw(st.sampled_from([0, int(Flag.ALPHA)]))
    record["netuid"] = (
        draw(st.integers(0, 200)) if record["flags"][0] & Flag.ALPHA else draw(st.sampled_from([1, NO_NETUID - 1]))
    )
    record["account"], record["other"] = draw(st.integers(1, 9)), draw(st.integers(11, 19))
    for name in AMOUNTS:
        record[name] = draw(st.integers(0, 10**15))
    record["code"] = 12  # of a house account, where the kind names one
    return record[0]


def owned_by_postings(record: np.void) -> dict[tuple[int, int], int]:
    """Return by account and asset what free and held together gain."""
    total: dict[tuple[int, int], int] = defaultdict(int)
    for name, asset, amount in postings(record):
        if name.startswith("c:"):
            total[int(name.split(":")[1]), asset] += amount
    return {pair: amount for pair, amount in total.items() if amount}


def owned_by_entries(record: np.void) -> dict[tuple[int, int], int]:
    total: dict[tuple[int, int], int] = defaultdict(int)
    for change in changes_of(Row._make(record.tolist())):
        total[change.account, change.asset] += change.amount - change.fee
    return {pair: amount for pair, amount in total.items() if amount}


@given(record=events(POSTED))
def test_entries_are_the_postings_to_a_customers_accounts(record: np.void) -> None:
    assert owned_by_entries(record) == owned_by_postings(record)


@given(record=events([kind for kind in EventKind if kind not in EntriesFold.kinds]))
def test_every_other_kind_leaves_what_customers_own_as_it_is(record: np.void) -> None:
    if record["kind"] == EventKind.HOUSE_CLAIM_PAID:
        record["account"] = 0

    assert owned_by_postings(record) == {}
    assert owned_by_entries(record) == {}


@pytest.mark.parametrize("kind", [EventKind.SUSPENSE_RESOLVED, EventKind.CLAIM_PAID])
def test_what_nobody_owns_is_no_entry(kind: EventKind) -> None:
    (row,) = step(event(kind, netuid=1, amount=5)).rows

    assert changes_of(row) == []
