"""Deposits and withdrawals as history keeps them."""

from app.projections.chain import ChainFold
from ledger.engine.layout import NO_NETUID, EventKind, Flag, Job
from tests.support.history import event, step


class Kept:
    """Stands where the database stands, and remembers what is written."""

    def __init__(self) -> None:
        self.copied: list[tuple[object, ...]] = []
        self.executed: list[tuple[object, ...]] = []

    async def copy(self, _: object, rows: list[tuple[object, ...]]) -> None:
        self.copied += rows

    async def execute(self, _: str, *values: object) -> None:
        self.executed.append(values)


HELD = event(EventKind.WITHDRAWAL_HELD, account=1, netuid=NO_NETUID, job_id=1, amount=7, withdrawal_fee=1, address_id=3)


async def test_a_withdrawal_goes_from_held_to_signed_to_paid() -> None:
    fold = ChainFold()
    states = []
    for change in (
        HELD,
        event(EventKind.EXTRINSIC_SIGNED, job_id=1, job=Job.SETTLEMENT, payload=1),
        event(EventKind.EXTRINSIC_SIGNED, job_id=1, job=Job.WITHDRAWAL, payload=1),
        event(EventKind.WITHDRAWAL_BOOKED, job_id=1, account=1),
    ):
        kept = Kept()
        fold.fold(step(change, payloads=(b"signed",)))
        await fold.write(kept)  # type: ignore[arg-type] # the fold only copies and executes
        states.append((kept.copied, kept.executed))

    assert [row[-2:] for row in states[0][0]] == [("initial", "")]
    assert states[1] == ([], [])
    ((_, (state,), (tx,)),) = states[2][1]
    assert state == "pending"
    assert str(tx).startswith("0x")
    assert states[3] == ([], [([1], ("success",), (None,))])


async def test_a_withdrawal_that_was_signed_and_refunded_in_one_write_keeps_its_transaction() -> None:
    fold, kept = ChainFold(), Kept()
    signed = event(EventKind.EXTRINSIC_SIGNED, job_id=1, job=Job.WITHDRAWAL, payload=1)
    fold.fold(step(HELD, signed, event(EventKind.WITHDRAWAL_REFUNDED, job_id=1, account=1), payloads=(b"signed",)))
    await fold.write(kept)  # type: ignore[arg-type] # the fold only copies and executes

    ((*_, state, tx),) = kept.copied
    assert state == "failure"
    assert str(tx).startswith("0x")


async def test_a_deposit_names_its_head_and_event() -> None:
    fold, kept = ChainFold(), Kept()
    head = event(EventKind.HEAD_BEGAN, number=100)
    seen = {"flags": int(Flag.ALPHA), "netuid": 3, "amount": 50, "aux": 12, "tao": 100}
    credited = event(EventKind.DEPOSIT_CREDITED, account=1, **seen)
    nobodys = event(EventKind.DEPOSIT_SUSPENDED, **seen)
    fold.fold(step(head, credited, nobodys))
    await fold.write(kept)  # type: ignore[arg-type] # the fold only copies and executes

    (row,) = kept.copied
    assert row[:5] == (2, 1, True, 4, 50)
    assert row[-1] == "0x" + "00" * 32 + "-12"
