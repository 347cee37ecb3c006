import pytest

from app.verify.exchange import Exchange
from ledger.engine.layout import NO_NETUID, CommandKind, EventKind, Flag, Halt, Job, JobState
from ledger.engine.parameters import UNSIGNED_HEADS, UNSIGNED_WITHDRAWAL_HEADS, WITHDRAWAL_FEE_TAO
from ledger.engine.records import command
from ledger.errors import Refusal
from tests.support.builders import (
    HOT,
    HOTKEY,
    SN,
    TAO,
    TRADING,
    booked_balances,
    dead,
    kinds,
    outcome,
    trading_exchange,
    withdraw,
)


@pytest.fixture
def exchange() -> Exchange:
    return trading_exchange({"alice": (100 * TAO, 1_000 * TAO)})[0]


def sweep(exchange: Exchange, *, tao: int = 0, alpha: int = 0) -> int:
    key = exchange.deposit_key(1)
    if alpha:
        meanings = {"key": key, "netuid": SN, "hotkey": HOTKEY, "amount": alpha}
        return exchange.ask(CommandKind.REQUEST_SWEEP, flags=Flag.ALPHA, **meanings).reference
    return exchange.ask(CommandKind.REQUEST_SWEEP, key=key, netuid=NO_NETUID, amount=tao).reference


def swept(exchange: Exchange) -> None:
    """Move alice's deposits to the hot key, so that withdrawals can be paid."""
    key = exchange.deposit_key(1)
    tao, alpha = sweep(exchange, tao=100 * TAO), sweep(exchange, alpha=1_000 * TAO)
    exchange.sign(tao, Job.SWEEP, key, 0)
    exchange.sign(alpha, Job.SWEEP, key, 1)
    exchange.head(
        [
            outcome(tao, Job.SWEEP, key=key, tao=100 * TAO),
            outcome(alpha, Job.SWEEP, key=key, alpha=1_000 * TAO, flags=Flag.ALPHA, arrived_rao=1_000 * TAO - 1),
            command(CommandKind.CHAIN_FEE_SEEN, key=HOT, fee=1_000, job_id=tao),
        ]
    )


def test_a_sweep_moves_custody_and_leaves_the_customer_alone(exchange: Exchange) -> None:
    swept(exchange)

    hot = exchange.views.custody(HOT)
    assert exchange.views.custody(exchange.deposit_key(1)).free == 0
    assert hot.free == 2_100 * TAO - 1_000
    assert [stake.amount for stake in hot.stakes] == [21_000 * TAO - 1]
    assert exchange.views.balance(1, 0).free == 100 * TAO
    assert exchange.views.jobs() == []
    assert booked_balances(exchange) == exchange.balances()


@pytest.mark.parametrize(
    ("flags", "changes", "code"),
    [
        (0, {"key": HOT}, Refusal.UNKNOWN_KEY),
        (0, {"key": 99}, Refusal.UNKNOWN_KEY),
        (0, {"amount": 0}, Refusal.AMOUNT_OUT_OF_RANGE),
        (0, {"amount": 101 * TAO}, Refusal.INSUFFICIENT_FUNDS),
        (Flag.ALPHA, {"hotkey": 0}, Refusal.UNKNOWN_HOTKEY),
        (Flag.ALPHA, {"hotkey": 1, "netuid": NO_NETUID}, Refusal.UNKNOWN_MARKET),
        (Flag.ALPHA, {"hotkey": 1, "amount": 1_001 * TAO}, Refusal.INSUFFICIENT_FUNDS),
    ],
)
def test_a_sweep_is_refused(exchange: Exchange, flags: int, changes: dict[str, int], code: Refusal) -> None:
    meanings = {"key": exchange.deposit_key(1), "netuid": SN, "amount": TAO} | changes

    assert exchange.ask(CommandKind.REQUEST_SWEEP, flags=flags, **meanings).code == code


def test_a_position_is_swept_by_one_job_at_a_time(exchange: Exchange) -> None:
    first = sweep(exchange, tao=TAO)
    second = exchange.ask(CommandKind.REQUEST_SWEEP, key=exchange.deposit_key(1), amount=TAO)

    assert (second.code, second.value) == (Refusal.JOB_STATE, first)
    assert sweep(exchange, alpha=TAO) > 0


def test_a_withdrawal_is_paid_once(exchange: Exchange) -> None:
    swept(exchange)
    job = withdraw(exchange, 1, 10 * TAO).reference
    exchange.sign(job, Job.WITHDRAWAL, HOT, 0, period=64)
    paid = outcome(job, Job.WITHDRAWAL, tao=10 * TAO)

    first = exchange.head([paid])
    second = exchange.head([paid])

    assert EventKind.WITHDRAWAL_BOOKED in kinds(first)
    assert second.code == Refusal.HEAD_RECORD
    assert exchange.views.accounts_total(0).withdrawing == 0
    assert exchange.views.custody(HOT).free == 2_090 * TAO - 1_000
    assert booked_balances(exchange) == exchange.balances()


@pytest.mark.parametrize("how", ["failed", "dead", "released", "late"])
def test_a_withdrawal_that_is_not_paid_is_refunded_whole(exchange: Exchange, how: str) -> None:
    before = exchange.balances()
    job = withdraw(exchange, 1, 10 * TAO).reference
    if how in {"failed", "dead"}:
        exchange.sign(job, Job.WITHDRAWAL, HOT, 0, period=4)
    if how == "failed":
        exchange.head([outcome(job, Job.WITHDRAWAL, flags=Flag.FAILED)])
    elif how == "dead":
        for _ in range(3):
            exchange.head()
        exchange.head([dead(job, Job.WITHDRAWAL)])
    elif how == "released":
        exchange.ask(CommandKind.RELEASE_JOB, job_id=job, job=Job.WITHDRAWAL)
    else:
        for _ in range(UNSIGNED_WITHDRAWAL_HEADS):
            exchange.head()

    assert exchange.balances() == before
    assert exchange.sign(job, Job.WITHDRAWAL, HOT, 7).code == Refusal.UNKNOWN_JOB
    assert exchange.views.jobs() == []


def test_an_extrinsic_is_dead_only_when_its_era_has_passed(exchange: Exchange) -> None:
    job = withdraw(exchange, 1, 10 * TAO).reference
    exchange.sign(job, Job.WITHDRAWAL, HOT, 0, period=4)

    assert exchange.head([dead(job, Job.WITHDRAWAL)]).code == Refusal.HEAD_RECORD


def test_a_job_is_signed_once_by_its_own_key(exchange: Exchange) -> None:
    job = withdraw(exchange, 1, 10 * TAO).reference

    codes = [
        exchange.sign(job, Job.SWEEP, HOT, 0).code,
        exchange.sign(job + 1, Job.WITHDRAWAL, HOT, 0).code,
        exchange.sign(job, Job.WITHDRAWAL, TRADING, 0).code,
        exchange.sign(job, Job.WITHDRAWAL, HOT, -1).code,
        exchange.sign(job, Job.WITHDRAWAL, HOT, 0, period=0).code,
        exchange.sign(job, Job.WITHDRAWAL, HOT, 0, period=5_000).code,
        exchange.sign(job, Job.WITHDRAWAL, HOT, 0).code,
        exchange.sign(job, Job.WITHDRAWAL, HOT, 1).code,
    ]

    assert codes == [
        Refusal.UNKNOWN_JOB,
        Refusal.UNKNOWN_JOB,
        Refusal.UNKNOWN_KEY,
        Refusal.AMOUNT_OUT_OF_RANGE,
        Refusal.ERA_MALFORMED,
        Refusal.ERA_MALFORMED,
        0,
        Refusal.JOB_STATE,
    ]
    (open_job,) = exchange.views.jobs()
    assert (open_job.state, open_job.nonce, open_job.signed) == (JobState.SIGNED, 0, b"signed bytes")


def test_a_nonce_is_used_by_one_open_job_of_a_key(exchange: Exchange) -> None:
    first, second = (withdraw(exchange, 1, TAO).reference for _ in range(2))
    exchange.sign(first, Job.WITHDRAWAL, HOT, 5)

    reused = exchange.sign(second, Job.WITHDRAWAL, HOT, 5)

    assert (reused.code, reused.bound) == (Refusal.NONCE_LIVE, first)
    assert exchange.sign(second, Job.WITHDRAWAL, HOT, 6).code == 0


def test_a_signed_job_is_never_released(exchange: Exchange) -> None:
    job = withdraw(exchange, 1, TAO).reference
    exchange.sign(job, Job.WITHDRAWAL, HOT, 0)

    assert exchange.ask(CommandKind.RELEASE_JOB, job_id=job, job=Job.WITHDRAWAL).code == Refusal.JOB_STATE
    assert exchange.ask(CommandKind.RELEASE_JOB, job_id=job, job=Job.SWEEP).code == Refusal.UNKNOWN_JOB
    for _ in range(UNSIGNED_WITHDRAWAL_HEADS + 1):
        exchange.head()
    assert len(exchange.views.jobs()) == 1


def test_a_sweep_that_waits_unsigned_is_released(exchange: Exchange) -> None:
    sweep(exchange, tao=TAO)
    answers = [exchange.head() for _ in range(UNSIGNED_HEADS)]

    assert [EventKind.JOB_RELEASED in kinds(answer) for answer in answers] == [False, False, True]
    assert exchange.views.jobs() == []


@pytest.mark.parametrize("halt", [Halt.SIGNER, Halt.MONEY])
def test_nothing_is_signed_while_halted(exchange: Exchange, halt: Halt) -> None:
    job = withdraw(exchange, 1, TAO).reference
    exchange.ask(CommandKind.SET_HALT, flags=Flag.ARM, netuid=NO_NETUID, halt=halt)

    assert exchange.sign(job, Job.WITHDRAWAL, HOT, 0).code == Refusal.SIGNER_HALTED


def test_nothing_is_signed_for_an_unknown_runtime(exchange: Exchange) -> None:
    job = withdraw(exchange, 1, TAO).reference
    exchange.head(spec=1)

    assert exchange.sign(job, Job.WITHDRAWAL, HOT, 0).code == Refusal.SPEC_UNKNOWN


def test_a_signature_without_bytes_is_refused(exchange: Exchange) -> None:
    job = withdraw(exchange, 1, TAO).reference
    meanings = {"job_id": job, "job": Job.WITHDRAWAL, "key": HOT, "birth": exchange.height, "period": 8}

    assert exchange.ask(CommandKind.ACCEPT_SIGNED, **meanings).code == Refusal.PAYLOAD_MALFORMED


def test_a_withdrawal_of_alpha_bears_one_rao_of_the_chains_rounding(exchange: Exchange) -> None:
    swept(exchange)
    exchange.head()
    job = withdraw(exchange, 1, 100 * TAO, alpha=True).reference
    exchange.sign(job, Job.WITHDRAWAL, HOT, 0)
    answer = exchange.head([outcome(job, Job.WITHDRAWAL, alpha=100 * TAO - 1, flags=Flag.ALPHA)])

    assert answer.code == 0
    assert exchange.views.balance(1, SN + 1).free == 900 * TAO
    assert booked_balances(exchange) == exchange.balances()


def test_the_withdrawal_fee_becomes_the_houses_when_it_is_paid(exchange: Exchange) -> None:
    job = withdraw(exchange, 1, TAO).reference
    exchange.sign(job, Job.WITHDRAWAL, HOT, 0)
    assert ("house:fees", 0) not in exchange.balances()

    exchange.head([outcome(job, Job.WITHDRAWAL, tao=TAO)])

    assert exchange.balances()["house:fees", 0] == WITHDRAWAL_FEE_TAO
