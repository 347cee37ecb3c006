from collections.abc import Callable
from dataclasses import replace

import pytest

from chain.hashing import blake2b_256
from chain.mempool import (
    ALREADY_IMPORTED,
    BANNED,
    DROPPED,
    TOO_LOW_PRIORITY,
    Mempool,
    PoolEvent,
    PoolLimits,
)
from chain.runtime.errors import STALE, Inadmissible
from chain.runtime.transition import Receipt, Validity

ALICE, BOB, CAROL = b"a" * 32, b"b" * 32, b"c" * 32


class Ledger:
    """The runtime's answers: extrinsics are named, and refused once their nonce is used."""

    def __init__(self) -> None:
        self.known: dict[bytes, Validity] = {}
        self.nonces: dict[bytes, int] = {}
        self.refused: set[bytes] = set()

    def extrinsic(
        self,
        signer: bytes,
        nonce: int,
        *,
        tip: int = 0,
        weight: int = 100,
        length: int = 150,
        until: int | None = None,
        signature: bytes = b"",
    ) -> bytes:
        body = b"|".join((signer, b"%d %d %d" % (nonce, tip, weight)))
        data = body + b"|" + signature
        self.known[data] = Validity(
            hash=blake2b_256(data),
            intent_id=blake2b_256(b"intent" + body),
            signer=signer,
            nonce=nonce,
            account_nonce=0,
            tip_rao=tip,
            fee_rao=1,
            weight=weight,
            length=length,
            valid_until=until,
        )
        return data

    def validate(self, data: bytes, verified: bool) -> Validity:  # noqa: FBT001
        validity = self.known[data]
        account_nonce = self.nonces.get(validity.signer, 0)
        if validity.nonce < account_nonce or data in self.refused:
            raise Inadmissible(STALE)
        return replace(validity, account_nonce=account_nonce)


class Pool:
    """A pool with its ledger, at height 10."""

    def __init__(self, **limits: int) -> None:
        self.ledger = Ledger()
        self.pool = Mempool(PoolLimits(**limits))
        self.height = 10

    def add(self, data: bytes) -> list[tuple[bytes, str]]:
        events = self.pool.add(data, height=self.height, validate=self.ledger.validate)
        return [(event.hash, event.status) for event in events]

    def after(self, *included: bytes, touched: tuple[bytes, ...] = ()) -> list[PoolEvent]:
        """Follow a block that holds ``included`` and touches their signers and ``touched``."""
        self.height += 1
        receipts = []
        for data in included:
            validity = self.ledger.known[data]
            self.ledger.nonces[validity.signer] = validity.nonce + 1
            receipts.append(_receipt(validity))
            touched = (*touched, validity.signer)
        nonces = {account: self.ledger.nonces.get(account, 0) for account in touched}
        return self.pool.after_block(
            height=self.height, included=receipts, nonces=nonces, validate=self.ledger.validate
        )


def _receipt(validity: Validity) -> Receipt:
    return Receipt(
        index=1,
        hash=validity.hash,
        signer=validity.signer,
        nonce=validity.nonce,
        success=True,
        error=None,
        fee_rao=1,
        tip_rao=0,
        weight=1,
    )


def _refused(action: Callable[[], object]) -> Inadmissible:
    with pytest.raises(Inadmissible) as caught:
        action()
    return caught.value


def test_the_best_tip_per_weight_goes_first_then_the_first_to_arrive() -> None:
    pool = Pool()
    heavy = pool.ledger.extrinsic(ALICE, 0, tip=10, weight=1_000)
    light = pool.ledger.extrinsic(BOB, 0, tip=5, weight=100)
    later = pool.ledger.extrinsic(CAROL, 0, tip=5, weight=100)
    for data in (heavy, light, later):
        pool.add(data)

    assert list(pool.pool.ready()) == [light, later, heavy]


def test_one_account_goes_in_nonce_order_whatever_it_tips() -> None:
    pool = Pool()
    first, second = pool.ledger.extrinsic(ALICE, 0), pool.ledger.extrinsic(ALICE, 1, tip=99)
    pool.add(second)
    pool.add(first)

    assert list(pool.pool.ready()) == [first, second]


def test_a_nonce_above_the_next_one_waits_until_the_gap_is_filled() -> None:
    pool = Pool()
    first, second, third = (pool.ledger.extrinsic(ALICE, nonce) for nonce in range(3))

    assert pool.add(third) == [(blake2b_256(third), "future")]
    assert pool.add(second) == [(blake2b_256(second), "future")]
    assert list(pool.pool.ready()) == []
    assert pool.pool.next_nonce(ALICE, 0) == 0
    assert pool.add(first) == [(blake2b_256(data), "ready") for data in (first, second, third)]
    assert pool.pool.next_nonce(ALICE, 0) == 3
    assert pool.pool.pending() == [third, second, first]


def test_the_same_bytes_and_the_same_payment_with_another_signature_are_already_imported() -> None:
    pool = Pool()
    data = pool.ledger.extrinsic(ALICE, 0, signature=b"one")
    again = pool.ledger.extrinsic(ALICE, 0, signature=b"two")
    pool.add(data)

    for attempt in (data, again):
        error = _refused(lambda attempt=attempt: pool.add(attempt))
        assert (error.code, error.message, error.data) == (
            ALREADY_IMPORTED,
            "Transaction Already Imported",
            "0x" + blake2b_256(data).hex(),
        )
    assert len(pool.pool) == 1


def test_a_replacement_must_tip_a_tenth_more() -> None:
    pool = Pool()
    old = pool.ledger.extrinsic(ALICE, 0, tip=100)
    pool.add(old)

    error = _refused(lambda: pool.add(pool.ledger.extrinsic(ALICE, 0, tip=109)))
    assert (error.code, error.message) == (TOO_LOW_PRIORITY, "Priority is too low: (100 vs 109)")
    better = pool.ledger.extrinsic(ALICE, 0, tip=110)
    assert pool.add(better) == [(blake2b_256(better), "ready"), (blake2b_256(old), "usurped")]
    assert list(pool.pool.ready()) == [better]


def test_a_block_takes_out_what_it_holds_and_what_it_made_impossible() -> None:
    pool = Pool()
    mine, rival = pool.ledger.extrinsic(ALICE, 0), pool.ledger.extrinsic(ALICE, 0, tip=7)
    following = pool.ledger.extrinsic(ALICE, 1)
    pool.add(mine)
    pool.add(following)

    events = pool.after(rival)

    assert events == [PoolEvent(blake2b_256(mine), "usurped", blake2b_256(rival))]
    assert list(pool.pool.ready()) == [following]
    assert pool.after(following) == []
    assert len(pool.pool) == 0
    assert pool.pool._accounts == pool.pool._nonces == pool.pool._by_intent == {}
    assert pool.pool._bytes == 0


def test_what_a_block_made_unpayable_is_invalid_and_banned_for_a_while() -> None:
    pool = Pool(ban_blocks=2)
    data = pool.ledger.extrinsic(ALICE, 0)
    pool.add(data)
    pool.ledger.refused.add(data)

    assert pool.after() == []
    assert pool.after(touched=(ALICE,)) == [PoolEvent(blake2b_256(data), "invalid")]
    assert _refused(lambda: pool.add(data)).code == BANNED
    pool.ledger.refused.clear()
    pool.after()
    pool.after()
    assert pool.add(data) == [(blake2b_256(data), "ready")]


def test_an_extrinsic_leaves_when_the_next_block_is_beyond_its_era() -> None:
    pool = Pool()
    data = pool.ledger.extrinsic(ALICE, 0, until=12)
    pool.add(data)

    assert pool.after() == [PoolEvent(blake2b_256(data), "invalid")]
    assert len(pool.pool) == 0


def test_what_a_block_cannot_hold_is_thrown_out_and_banned() -> None:
    pool = Pool()
    data = pool.ledger.extrinsic(ALICE, 0)
    pool.add(data)

    assert pool.pool.reject(blake2b_256(data), height=10) == [PoolEvent(blake2b_256(data), "invalid")]
    assert pool.pool.reject(blake2b_256(data), height=10) == []
    assert _refused(lambda: pool.add(data)).code == BANNED


def test_a_full_pool_refuses_the_worst_and_drops_for_the_better() -> None:
    pool = Pool(count=2)
    cheap, fair = pool.ledger.extrinsic(ALICE, 0, tip=1), pool.ledger.extrinsic(BOB, 0, tip=5)
    pool.add(cheap)
    pool.add(fair)

    error = _refused(lambda: pool.add(pool.ledger.extrinsic(CAROL, 0, tip=1)))
    assert (error.code, error.message) == (DROPPED, "Immediately Dropped")
    good = pool.ledger.extrinsic(CAROL, 0, tip=9)
    assert pool.add(good) == [(blake2b_256(good), "ready"), (blake2b_256(cheap), "dropped")]
    assert list(pool.pool.ready()) == [good, fair]


def test_a_full_pool_drops_only_last_nonces_so_that_no_account_gets_a_gap() -> None:
    pool = Pool(count=2)
    first, second = pool.ledger.extrinsic(ALICE, 0, tip=1), pool.ledger.extrinsic(ALICE, 1, tip=3)
    pool.add(first)
    pool.add(second)
    better = pool.ledger.extrinsic(BOB, 0, tip=9)

    pool.add(better)

    assert list(pool.pool.ready()) == [better, first]


def test_one_account_cannot_fill_the_pool() -> None:
    pool = Pool(account_count=2, account_bytes=400)
    for nonce in range(2):
        pool.add(pool.ledger.extrinsic(ALICE, nonce))
    assert _refused(lambda: pool.add(pool.ledger.extrinsic(ALICE, 2))).code == DROPPED

    pool.add(pool.ledger.extrinsic(BOB, 0, length=300))
    assert _refused(lambda: pool.add(pool.ledger.extrinsic(BOB, 1, length=101))).code == DROPPED


def test_a_nonce_too_far_ahead_and_too_many_bytes_are_refused() -> None:
    pool = Pool(nonce_window=4, extrinsic_bytes=200)

    assert _refused(lambda: pool.add(pool.ledger.extrinsic(ALICE, 4))).code == 1010
    assert _refused(lambda: pool.add(bytes(201))).code == 1010
    assert len(pool.pool) == 0


def test_the_list_of_the_banned_stays_bounded() -> None:
    pool = Pool(banned=3)
    for nonce in range(10):
        data = pool.ledger.extrinsic(ALICE, nonce)
        pool.add(data)
        pool.pool.reject(blake2b_256(data), height=10)

    assert len(pool.pool._bans) == 3
