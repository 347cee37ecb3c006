"""Which jobs are signed next, with which nonce, and which sweeps are asked for: decided from the ledger's reads."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.link.keybook import KeyBook
from app.link.settings import LinkSettings
from ledger.engine.layout import JobState, KeyRole
from ledger.engine.views import AnyJob, SettlementJob, SweepJob, Views, WithdrawalJob

RAO = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepWish:
    """A sweep to ask for; ``hotkey`` 0 and ``netuid`` ``None`` for TAO; amount in rao."""

    key: int
    netuid: int | None
    hotkey: int
    amount: int


def next_nonce(account_nonce: int, used: Iterable[int]) -> int:
    """Return the lowest nonce at or above the account's that no signed job has: a gap would hold up all behind it."""
    taken = set(used)
    nonce = account_nonce
    while nonce in taken:
        nonce += 1
    return nonce


def signable(jobs: Sequence[AnyJob], book: KeyBook, reads: Views, settings: LinkSettings) -> Iterator[AnyJob]:
    """Yield the jobs that may be signed now, oldest first.

    One settlement at a time, which the ledger sees to, once the trading key can pay its fee; one sweep per deposit key;
    withdrawals up to a bound, and only what the hot key's custody covers beyond all that is signed already, with its
    reserve for fees.
    """
    halts = reads.halts()
    if halts.signer or halts.money:
        return
    signed = [job for job in jobs if job.state is JobState.SIGNED]
    busy = {job.deposit_key for job in signed if isinstance(job, SweepJob)}
    in_flight = sum(isinstance(job, WithdrawalJob) for job in signed)
    for job in sorted(jobs, key=lambda job: job.job_id):
        if job.state is not JobState.REQUESTED:
            continue
        if isinstance(job, SweepJob):
            if job.deposit_key in busy:
                continue
            busy.add(job.deposit_key)
        elif isinstance(job, WithdrawalJob):
            if in_flight >= settings.hot_in_flight or not _is_covered(job, signed, book, reads, settings):
                continue
            in_flight += 1
        elif book.trading is None or reads.custody(book.trading.number).free < settings.trading_reserve:
            continue
        signed.append(job)
        yield job


def _is_covered(
    job: WithdrawalJob, signed: Sequence[AnyJob], book: KeyBook, reads: Views, settings: LinkSettings
) -> bool:
    """Return whether custody covers a withdrawal after all that is signed: payments and swaps in flight."""
    if book.hot is None:
        return False
    custody = reads.custody(book.hot.number)
    tao = custody.free - settings.hot_reserve - _spent(signed, None, 0)
    if job.netuid is None:
        return tao >= job.amount
    stake = next((s.amount for s in custody.stakes if (s.netuid, s.hotkey) == (job.netuid, job.hotkey)), 0)
    return tao >= 0 and stake - _spent(signed, job.netuid, job.hotkey) >= job.amount


def _spent(signed: Sequence[AnyJob], netuid: int | None, hotkey: int) -> int:
    """Return what signed jobs may take from the hot key's TAO (``netuid`` ``None``) or one of its positions, rao."""
    spent = 0
    for job in signed:
        if isinstance(job, WithdrawalJob) and (job.netuid, job.hotkey if job.netuid else 0) == (netuid, hotkey):
            spent += job.amount
        elif isinstance(job, SettlementJob):
            for item in job.items:
                source = (item.netuid, item.hotkey) if item.sell else (None, 0)
                spent += item.amount if source == (netuid, hotkey) else 0
    return spent


def sweeps(candidates: Iterable[int], book: KeyBook, reads: Views, settings: LinkSettings) -> list[SweepWish]:
    """Return the sweeps to ask for now among deposit keys: at most one open per key, and bounded in number."""
    jobs = [job for job in reads.jobs() if isinstance(job, SweepJob)]
    room = min(settings.sweeps_per_head, settings.sweeps_open - len(jobs))
    wishes: list[SweepWish] = []
    for number in sorted(set(candidates) - {job.deposit_key for job in jobs}):
        if len(wishes) >= room:
            break
        wish = sweep_wish(number, book, reads, settings)
        if wish is not None:
            wishes.append(wish)
    return wishes


def sweep_wish(number: int, book: KeyBook, reads: Views, settings: LinkSettings) -> SweepWish | None:
    """Return what is to be swept from a deposit key, TAO first, then alpha by subnet and hotkey.

    TAO: all but ``deposit_reserve``, once that is at least ``sweep_min``. Alpha: a whole position whose value at spot
    is at least ``sweep_min``, once the key has the TAO for the fee. A key with alpha alone waits for TAO.
    """
    key = book.keys.get(number)
    if key is None or key.role is not KeyRole.DEPOSIT:
        return None
    custody = reads.custody(number)
    amount = custody.free - settings.deposit_reserve
    if amount >= settings.sweep_min:
        return SweepWish(key=number, netuid=None, hotkey=0, amount=amount)
    if custody.free < settings.alpha_sweep_fee or not custody.stakes:
        return None
    spots = {market.netuid: market.spot_rao for market in reads.markets(0)}
    for stake in sorted(custody.stakes, key=lambda stake: (stake.netuid, stake.hotkey)):
        if stake.amount * spots.get(stake.netuid, 0) // RAO >= settings.sweep_min:
            return SweepWish(key=number, netuid=stake.netuid, hotkey=stake.hotkey, amount=stake.amount)
    return None
