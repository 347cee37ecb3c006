"""From a finalised block to one head group, in the exact order of ``spec/execution.md`` section 3. Pure.

``reads_for`` says what of the state a block needs, ``hotkeys_needed`` which hotkeys the ledger must know first, and
``translate_head`` gives the group. Its parts are functions of their own, one for each step.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.link.arrivals import (
    WEIGHT_SCALE,
    Deposit,
    Dissolution,
    Growth,
    deposits_of,
    dissolved_of,
    growth_of,
)
from app.link.blocks import FinalisedBlock
from app.link.effects import (
    Outcome,
    alpha_fees,
    effects_of,
    events_outcomes,
    find_extrinsic,
    is_over,
    job_of_extrinsic,
)
from app.link.keybook import KeyBook
from app.link.needs import hotkeys_needed, reads_for
from app.link.wire import extrinsic_hash
from ledger.engine.api import Request
from ledger.engine.layout import NO_NETUID, CommandKind, Flag, KeyRole, Records
from ledger.engine.records import command, hash_words, head_group
from ledger.engine.views import AnyJob

__all__ = [
    "Death",
    "Deposit",
    "Dissolution",
    "Fee",
    "Growth",
    "dead_of",
    "deposits_of",
    "dissolved_of",
    "fees_of",
    "growth_of",
    "hotkeys_needed",
    "outcomes_of",
    "pools_of",
    "reads_for",
    "seen_of",
    "translate_head",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What one extrinsic of ours cost; alpha where ``hotkey`` is not 0. ``job_id`` 0: an operator's extrinsic."""

    key: int
    amount: int
    netuid: int
    hotkey: int
    job_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A job whose extrinsic can never be in the chain any more."""

    job: AnyJob


@dataclass(slots=True)
class _Group:
    """The records of a head group and the payloads they point to."""

    records: list[Records] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)

    def add(self, kind: CommandKind, *, flags: int = 0, payload: bytes = b"", **meanings: int) -> None:
        record = command(kind, flags=flags, **meanings)
        if payload:
            self.payloads.append(payload)
            record["payload"] = len(self.payloads)
        self.records.append(record)


def translate_head(block: FinalisedBlock, book: KeyBook, jobs: Sequence[AnyJob], *, first: bool = False) -> Request:
    """Return the head group of a block whose reads are filled in.

    ``first``: the ledger has no head yet, so what custody's own keys hold after this block is what it begins with, and
    nothing that happened to them inside the block is told; deposits of customers are. Positions under hotkeys that the
    ledger does not know are left out: ``hotkeys_needed`` comes first.
    """
    effects = effects_of(block, book, jobs)
    group = _Group()
    group.records.append(
        command(
            CommandKind.HEAD_BEGIN,
            number=block.number,
            spec_version=block.spec_version,
            block_ts=block.ts_ms,
            **hash_words(block.hash),
            **hash_words(block.parent, "parent"),
        )
    )
    for outcome in effects.outcomes:
        _add_outcome(group, outcome)
    for death in dead_of(block, book, jobs):
        group.add(CommandKind.EXTRINSIC_DEAD, job_id=death.job.job_id, code=death.job.job)
    for fee in () if first else fees_of(block, book, jobs):
        group.add(
            CommandKind.CHAIN_FEE_SEEN,
            flags=Flag.ALPHA if fee.hotkey else 0,
            key=fee.key,
            fee=fee.amount,
            netuid=fee.netuid,
            hotkey=fee.hotkey,
            job_id=fee.job_id,
        )
    for payout in dissolved_of(block, book):
        group.add(CommandKind.DISSOLVED_SEEN, netuid=payout.netuid, payout=payout.payout, key=payout.key)
    for deposit in deposits_of(block, book, effects):
        if first and book.keys[deposit.key].role is not KeyRole.DEPOSIT:
            continue
        group.add(
            CommandKind.DEPOSIT_SEEN,
            flags=Flag.ALPHA if deposit.hotkey else 0,
            payload=deposit.sender,
            key=deposit.key,
            netuid=deposit.netuid,
            hotkey=deposit.hotkey,
            amount=deposit.amount,
            event_index=deposit.event_index,
        )
    for growth in () if first else growth_of(block, book, effects):
        group.add(
            CommandKind.GROWTH_SEEN,
            key=growth.key,
            hotkey=growth.hotkey,
            netuid=growth.netuid,
            growth=growth.amount,
            stake_before=growth.stake_before,
        )
    group.records.extend(pools_of(block, book))
    group.records.extend(seen_of(block, book))
    return head_group(group.records, group.payloads)


def _add_outcome(group: _Group, outcome: Outcome) -> None:
    flags = Flag.SELL * outcome.sell | Flag.FAILED * outcome.failed | Flag.ALPHA * outcome.alpha
    group.add(
        CommandKind.OUTCOME_SEEN,
        flags=flags,
        job_id=outcome.job_id,
        code=outcome.job,
        netuid=outcome.netuid,
        item=outcome.item,
        key=outcome.key,
        hotkey=outcome.hotkey,
        alpha_rao=abs(outcome.change.delta) if outcome.change else 0,
        tao_rao=outcome.tao,
        arrived_rao=outcome.arrival.delta if outcome.arrival else 0,
    )


def outcomes_of(block: FinalisedBlock, job: AnyJob, book: KeyBook) -> list[Outcome]:
    """Return what the events of a job's extrinsic say became of it; empty where the extrinsic is not in the block.

    Found by (signer, nonce) and confirmed by the hash; amounts are those of the events, before ``translate_head``
    corrects alpha by the reads.
    """
    return events_outcomes(block, job, book)


def dead_of(block: FinalisedBlock, book: KeyBook, jobs: Iterable[AnyJob]) -> list[Death]:
    """Return the jobs that can never be in the chain any more, by id.

    The era is over at this finalised height, and the nonce is unused or another extrinsic used it. A used nonce without
    the extrinsic that used it proves nothing: such a job stays open.
    """
    deaths = []
    for job in sorted(jobs, key=lambda job: job.job_id):
        if not is_over(block, job) or find_extrinsic(block, book, job) is not None:
            continue
        signer = book.keys[job.key].public
        account = block.accounts.get(signer)
        unused = account is not None and account.nonce <= job.nonce
        user = block.used_nonces.get((signer, job.nonce))
        if unused or user not in {None, extrinsic_hash(job.signed)}:
            deaths.append(Death(job=job))
    return deaths


def fees_of(block: FinalisedBlock, book: KeyBook, jobs: Sequence[AnyJob]) -> list[Fee]:
    """Return what extrinsics signed by our keys cost, in the order of the block; tips are part of the fee."""
    extrinsics = {extrinsic.index: extrinsic for extrinsic in block.extrinsics}
    in_alpha = alpha_fees(block, book)
    paid_in_alpha = {event.extrinsic for event in block.events if event.index in in_alpha}
    fees = []
    for event in block.events:
        extrinsic = extrinsics.get(event.extrinsic) if event.extrinsic is not None else None
        job = job_of_extrinsic(book, jobs, extrinsic) if extrinsic is not None else None
        job_id = job.job_id if job else 0
        if event.index in in_alpha:
            change = in_alpha[event.index]
            numbered = book.numbered(change.position)
            if numbered is not None:
                key, hotkey, netuid = numbered
                fees.append(Fee(key=key, amount=-change.delta, netuid=netuid, hotkey=hotkey, job_id=job_id))
        elif event.is_a("TransactionPayment", "TransactionFeePaid") and event.extrinsic not in paid_in_alpha:
            payer = book.by_public.get(event.fields["who"])
            amount = event.fields["actual_fee"]
            if payer is not None and amount:
                fees.append(Fee(key=payer.number, amount=amount, netuid=NO_NETUID, hotkey=0, job_id=job_id))
    return fees


def pools_of(block: FinalisedBlock, book: KeyBook) -> list[Records]:
    """Return ``POOL_SEEN`` of every listed subnet, by netuid; a subnet that is gone is told as closed and empty."""
    records = []
    for netuid in sorted(book.listed):
        pool = block.pools.get(netuid)
        if pool is None or not 0 < pool.weight < WEIGHT_SCALE:
            gone = command(CommandKind.POOL_SEEN, flags=Flag.CLOSED, netuid=netuid, weight=WEIGHT_SCALE // 2)
            records.append(gone)
            continue
        records.append(
            command(
                CommandKind.POOL_SEEN,
                flags=Flag.CLOSED * pool.closed | Flag.EPOCH * pool.epoch_ran,
                netuid=netuid,
                tao_reserve=pool.tao,
                alpha_reserve=pool.alpha,
                weight=pool.weight,
                fee_rate=pool.fee_rate,
            )
        )
    return records


def seen_of(block: FinalisedBlock, book: KeyBook) -> list[Records]:
    """Return ``ACCOUNT_SEEN`` by key and ``STAKE_SEEN`` by key, hotkey and netuid, of all that was read."""
    accounts: Mapping[int, bytes] = {book.by_public[p].number: p for p in block.accounts if p in book.by_public}
    records = [
        command(
            CommandKind.ACCOUNT_SEEN,
            key=number,
            free=block.accounts[accounts[number]].free,
            reserved=block.accounts[accounts[number]].reserved,
        )
        for number in sorted(accounts)
    ]
    numbered = {known: stake for p, stake in block.stakes.items() if (known := book.numbered(p)) is not None}
    for key, hotkey, netuid in sorted(numbered):
        stake = numbered[key, hotkey, netuid]
        records.append(command(CommandKind.STAKE_SEEN, key=key, hotkey=hotkey, netuid=netuid, stake=stake))
    return records
