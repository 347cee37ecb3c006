import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.accounts import account_name, postings
from ledger.engine.layout import CLASS_SHIFT, EVENT, FIRST_SHIFT, AccountClass, EventKind, Flag

AMOUNTS = ("amount", "tao", "fee", "hold")


@pytest.mark.parametrize(
    ("account_class", "first", "second", "name"),
    [
        (AccountClass.CUSTOMER_HELD, 7, 0, "c:7:held"),
        (AccountClass.HOUSE_TRADING, 64, 0, "house:trading:SN64"),
        (AccountClass.CUSTODY_STAKE, 3, 2, "custody:stake:3:2"),
        (AccountClass.EARN_POOL, 9, 4, "earn:pool:SN9:4"),
        (AccountClass.SUSPENSE, 0, 0, "suspense"),
    ],
)
def test_an_account_code_has_one_name(account_class: AccountClass, first: int, second: int, name: str) -> None:
    assert account_name((account_class << CLASS_SHIFT) | (first << FIRST_SHIFT) | second) == name


def test_every_class_has_a_name_of_its_own() -> None:
    names = {account_name((account_class << CLASS_SHIFT) | (1 << FIRST_SHIFT) | 2) for account_class in AccountClass}

    assert len(names) == len(AccountClass)


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(EventKind),
    flags=st.sampled_from([0, Flag.SELL, Flag.ALPHA, Flag.CLOSED, Flag.ALPHA | Flag.FIRST]),
    numbers=st.lists(st.integers(0, 9), min_size=5, max_size=5),
    amounts=st.lists(st.integers(-(10**15), 10**15), min_size=4, max_size=4),
)
def test_the_postings_of_any_event_sum_to_zero_per_asset(
    kind: EventKind, flags: int, numbers: list[int], amounts: list[int]
) -> None:
    event = np.zeros(1, EVENT)
    event["kind"], event["flags"] = kind, flags
    if kind == EventKind.HOUSE_CLAIM_PAID:
        event["code"] = AccountClass.HOUSE_TRADING
    for field, value in zip(("netuid", "account", "other", "key", "aux"), numbers, strict=True):
        event[field] = value
    for field, value in zip(AMOUNTS, amounts, strict=True):
        event[field] = value

    sums: dict[int, int] = {}
    for _, asset, amount in postings(event[0]):
        sums[asset] = sums.get(asset, 0) + amount

    assert not any(sums.values())
