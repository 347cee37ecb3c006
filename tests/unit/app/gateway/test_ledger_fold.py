from itertools import count, pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.gateway.folds.fills import fill_number
from app.gateway.folds.ledger import EntryType, Ledger, entry_numbers
from app.gateway.folds.rows import Row
from ledger.engine.layout import NO_NETUID, EventKind, Flag

EMPTY = Row(*([0] * len(Row._fields)))
NOW = 1_763_776_800_000
SN1, TAO = 2, 0


def test_a_fill_makes_two_entries_with_the_id_of_the_trade() -> None:
    ledger = Ledger()
    buy = EMPTY._replace(seq=9, kind=EventKind.FILLED, account=1, netuid=1, amount=60, tao=30, fee=2)

    entries = ledger.fold(buy, NOW)

    assert [(entry.asset, entry.amount, entry.fee, entry.balance) for entry in entries] == [
        (SN1, 60, 0, 60),
        (TAO, -30, 2, -32),
    ]
    assert {entry.reference for entry in entries} == {fill_number(9)}
    assert [entry.number for entry in ledger.entries_of(1)] == list(reversed(entry_numbers(fill_number(9))))


def test_a_cross_makes_two_entries_for_each_side_and_the_taker_is_told_first() -> None:
    ledger = Ledger()
    cross = EMPTY._replace(
        seq=9, kind=EventKind.CROSSED, account=1, other=2, netuid=1, amount=60, tao=30, fee=2, limit=1
    )

    entries = ledger.fold(cross, NOW)

    assert [(row.account, row.asset, row.amount, row.fee) for row in entries] == [
        (1, SN1, 60, 0),
        (1, TAO, -30, 2),
        (2, SN1, -60, 0),
        (2, TAO, 30, 1),
    ]
    assert [row.number for row in entries] == [
        *entry_numbers(fill_number(9)),
        *entry_numbers(fill_number(9, is_second=True)),
    ]
    assert {row.reference for row in entries if row.account == 2} == {fill_number(9, is_second=True)}


def test_what_house_rounding_gives_is_in_the_cost() -> None:
    buy = EMPTY._replace(seq=9, kind=EventKind.FILLED, account=1, netuid=1, amount=60, tao=30, fee=2, id_hi=1)

    bought = Ledger().fold(buy, NOW)[1]
    sold = Ledger().fold(buy._replace(flags=int(Flag.SELL)), NOW)[1]

    assert (bought.amount, bought.balance, sold.amount, sold.balance) == (-29, -31, 31, 29)


def test_a_claim_turns_alpha_into_tao_and_a_reward_adds_alpha() -> None:
    ledger = Ledger()
    paid = EMPTY._replace(seq=9, kind=EventKind.CLAIM_PAID, account=1, netuid=1, amount=60, tao=30)

    entries = ledger.fold(paid, NOW) + ledger.fold(
        EMPTY._replace(seq=10, kind=EventKind.REWARD_POSTED, account=1, netuid=1, amount=5), NOW
    )

    assert [(row.kind, row.asset, row.amount) for row in entries] == [
        (EntryType.CONVERSION, SN1, -60),
        (EntryType.CONVERSION, TAO, 30),
        (EntryType.REWARD, SN1, 5),
    ]


def test_a_sale_takes_the_fee_from_what_it_brings() -> None:
    ledger = Ledger()
    sale = EMPTY._replace(
        seq=9, kind=EventKind.FILLED, account=1, netuid=1, amount=60, tao=30, fee=2, flags=int(Flag.SELL)
    )

    base, quote = ledger.fold(sale, NOW)

    assert (base.amount, base.fee, quote.amount, quote.fee, quote.balance) == (-60, 0, 30, 2, 28)


def test_a_refunded_withdrawal_brings_amount_and_fee_back_under_the_same_reference() -> None:
    ledger = Ledger()
    held = EMPTY._replace(
        seq=5, order_id=5, kind=EventKind.WITHDRAWAL_HELD, account=1, netuid=NO_NETUID, amount=90, fee=10
    )

    out = ledger.fold(held, NOW)[0]
    back = ledger.fold(held._replace(seq=8, kind=EventKind.WITHDRAWAL_REFUNDED), NOW)[0]

    assert (out.amount, out.fee, out.balance, out.kind) == (-90, 10, -100, EntryType.WITHDRAWAL)
    assert (back.amount, back.fee, back.balance, back.reference) == (100, 0, 0, out.reference)


def test_an_entry_is_found_by_its_own_account_alone() -> None:
    ledger = Ledger()
    (entry,) = ledger.fold(EMPTY._replace(seq=4, kind=EventKind.DEPOSIT_CREDITED, account=1, amount=7), NOW)

    assert ledger.find(1, entry.number) == entry
    assert ledger.find(2, entry.number) is None
    assert ledger.find(1, entry.number + 1) is None


def test_what_the_house_keeps_of_suspense_is_nobodys_entry() -> None:
    resolved = EMPTY._replace(seq=4, kind=EventKind.SUSPENSE_RESOLVED, amount=7, netuid=NO_NETUID)

    assert Ledger().fold(resolved, NOW) == []
    assert Ledger().fold(resolved._replace(account=3), NOW)[0].kind is EntryType.ADJUSTMENT


@given(
    deposits=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 1_000)), max_size=60),
    kept=st.integers(1, 20),
    mine=st.integers(1, 20),
)
def test_entries_are_bounded_and_balances_go_on(deposits: list[tuple[int, int]], kept: int, mine: int) -> None:
    ledger, seqs = Ledger(per_account_max=mine, total_max=kept), count(1)
    for account, amount in deposits:
        row = EMPTY._replace(kind=EventKind.DEPOSIT_CREDITED, seq=next(seqs), account=account, amount=amount)
        ledger.fold(row, NOW)

    told = {account: list(ledger.entries_of(account)) for account in (1, 2, 3)}

    assert sum(map(len, told.values())) <= kept
    for account, entries in told.items():
        assert len(entries) <= mine
        newest = sum(amount for owner, amount in deposits if owner == account)
        assert not entries or entries[0].balance == newest
        assert all(ledger.find(account, entry.number) is entry for entry in entries)
        assert all(new.balance - new.amount + new.fee == old.balance for new, old in pairwise(entries))
