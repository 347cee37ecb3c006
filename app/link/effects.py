"""What our own extrinsics did in a block, told by their events, and what then remains of each position's change.

Amounts come from events; a call only says which events to expect. Stake positions are shares of a pool, so what a swap
adds or takes may differ by a rao from what its event says: where one change of a position has no other cause, the
difference between block and parent is what left or reached it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.link.blocks import BlockEvent, BlockExtrinsic, FinalisedBlock, Position, positions_named
from app.link.keybook import KeyBook
from app.link.wire import extrinsic_hash
from ledger.engine.layout import NO_NETUID, Job, KeyRole
from ledger.engine.views import AnyJob, ItemView, SettlementJob, SweepJob, WithdrawalJob

ROUNDING = 4
"""Largest difference per operation taken as rounding of the chain's share pools, rao (``spec/execution.md`` 11)."""


@dataclass(slots=True)
class Change:
    """What one of our operations did to one position: ``delta`` by its event, and the bounds of a correction."""

    position: Position
    delta: int
    lowest: int
    highest: int


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of one item of one of our extrinsics; amounts in rao.

    ``tao``: left (buy, transfer) or reached (sell) the coldkey. ``change``: the position of ours that gave or got
    alpha; ``arrival``: the hot key's position at an alpha sweep.
    """

    job_id: int
    job: Job
    item: int = 0
    netuid: int = NO_NETUID
    sell: bool = False
    failed: bool = False
    alpha: bool = False
    key: int
    hotkey: int = 0
    tao: int = 0
    change: Change | None = None
    arrival: Change | None = None


@dataclass(slots=True, kw_only=True)
class Effects:
    """What our jobs did in a block, and what of our positions they leave unexplained.

    ``included``: ids of the jobs in the block; ``foreign``: transfers of alpha to a position of ours from outside;
    ``rest``: what is left of a position's change after our own operations, alpha rao.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    included: set[int] = field(default_factory=set)
    foreign: dict[Position, list[BlockEvent]] = field(default_factory=dict)
    rest: dict[Position, int] = field(default_factory=dict)


def effects_of(block: FinalisedBlock, book: KeyBook, jobs: Iterable[AnyJob]) -> Effects:
    """Return the outcomes of our jobs in a block, corrected by its reads, and what they leave unexplained."""
    effects = Effects()
    found = [(extrinsic.index, job) for job in jobs if (extrinsic := find_extrinsic(block, book, job)) is not None]
    for _, job in sorted(found, key=lambda pair: pair[0]):
        effects.outcomes.extend(events_outcomes(block, job, book))
        effects.included.add(job.job_id)
    for event in block.named("SubtensorModule", "StakeTransferred"):
        position = positions_named(event)[1]
        if arrives_from_outside(block, book, event, position[0]):
            effects.foreign.setdefault(position, []).append(event)
    _settle_positions(block, book, effects)
    return effects


def find_extrinsic(block: FinalisedBlock, book: KeyBook, job: AnyJob) -> BlockExtrinsic | None:
    """Return a job's extrinsic in a block: found by signer and nonce, confirmed by the hash of the bytes we stored."""
    if not job.signed:
        return None
    signer = book.keys[job.key].public
    for extrinsic in block.extrinsics:
        if extrinsic.signer == signer and extrinsic.nonce == job.nonce:
            return extrinsic if extrinsic.hash == extrinsic_hash(job.signed) else None
    return None


def is_over(block: FinalisedBlock, job: AnyJob) -> bool:
    """Return whether a signed job's extrinsic can enter no block after this one."""
    return bool(job.signed) and job.birth + job.period <= block.number


def events_outcomes(block: FinalisedBlock, job: AnyJob, book: KeyBook) -> list[Outcome]:
    """Return a job's outcomes as its extrinsic's own events tell them; empty where it is not in the block."""
    extrinsic = find_extrinsic(block, book, job)
    if extrinsic is None:
        return []
    events = block.events_of(extrinsic.index)
    failed = any(event.is_a("System", "ExtrinsicFailed") for event in events)
    if isinstance(job, SettlementJob):
        return _settlement_outcomes(block, job, book, events, failed=failed)
    if isinstance(job, WithdrawalJob):
        return [_withdrawal_outcome(job, book, events, failed=failed)]
    return [_sweep_outcome(job, book, events, failed=failed)]


def _settlement_outcomes(
    block: FinalisedBlock, job: SettlementJob, book: KeyBook, events: Sequence[BlockEvent], *, failed: bool
) -> list[Outcome]:
    """Cut the events at ``ItemCompleted`` and ``ItemFailed``: the n-th part belongs to the n-th call of the batch."""
    parts: list[tuple[bool, list[BlockEvent]]] = []
    part: list[BlockEvent] = []
    for event in events:
        if event.is_a("Utility", "ItemCompleted") or event.is_a("Utility", "ItemFailed"):
            parts.append((event.name == "ItemCompleted" and _proxy_succeeded(part), part))
            part = []
        else:
            part.append(event)
    outcomes = []
    for position, item in enumerate(job.items):
        done, own = parts[position] if position < len(parts) and not failed else (False, [])
        outcomes.append(_swap_outcome(block, job, item, book, own, done=done))
    return outcomes


def _proxy_succeeded(events: Sequence[BlockEvent]) -> bool:
    results = [event.fields["result"] for event in events if event.is_a("Proxy", "ProxyExecuted")]
    return bool(results) and all(is_ok(result) for result in results)


def is_ok(result: object) -> bool:
    """Return whether a decoded ``Result`` is ``Ok``, in any of the forms that decoders give it."""
    if isinstance(result, dict):
        return "Ok" in result
    return result in ("Ok", ("Ok", None))


def _swap_outcome(
    block: FinalisedBlock,
    job: SettlementJob,
    item: ItemView,
    book: KeyBook,
    events: Sequence[BlockEvent],
    *,
    done: bool,
) -> Outcome:
    hot = book.hot
    outcome = Outcome(
        job_id=job.job_id,
        job=Job.SETTLEMENT,
        item=item.item,
        netuid=item.netuid,
        sell=item.sell,
        failed=True,
        key=hot.number if hot else 0,
        hotkey=item.hotkey,
    )
    if hot is None or not done:
        return outcome
    position = (hot.public, book.hotkeys[item.hotkey], item.netuid)
    name = "StakeRemoved" if item.sell else "StakeAdded"
    swaps = [e for e in events if e.is_a("SubtensorModule", name) and positions_named(e) == (position,)]
    if not swaps:
        return outcome
    outcome.failed = False
    out = sum(e.fields["amount"] for e in events if e.is_a("Balances", "Transfer") and e.fields["from"] == hot.public)
    back = sum(e.fields["amount"] for e in events if e.is_a("Balances", "Transfer") and e.fields["to"] == hot.public)
    outcome.tao = back - out if item.sell else out - back
    alpha = sum(e.fields["alpha"] for e in swaps)
    if not item.sell:
        outcome.change = Change(position, alpha, alpha - ROUNDING, alpha + ROUNDING)
        return outcome
    # The event of a sale names what was taken before the part that a limit gave back, so it is an upper bound only;
    # what was really sold follows from the fee, which is a share of it, when no read can tell.
    fee, rate = (
        sum(e.fields["fee"] for e in swaps),
        block.pools[item.netuid].fee_rate if item.netuid in block.pools else 0,
    )
    sold = min(alpha, (fee + 1) * 65_535 // rate) if rate else alpha
    outcome.change = Change(position, -sold, -alpha - ROUNDING, 0)
    return outcome


def _withdrawal_outcome(job: WithdrawalJob, book: KeyBook, events: Sequence[BlockEvent], *, failed: bool) -> Outcome:
    hot, alpha = book.keys[job.key], job.netuid is not None
    outcome = Outcome(
        job_id=job.job_id,
        job=Job.WITHDRAWAL,
        netuid=NO_NETUID if job.netuid is None else job.netuid,
        alpha=alpha,
        failed=True,
        key=hot.number,
        hotkey=job.hotkey if alpha else 0,
    )
    if failed:
        return outcome
    if job.netuid is None:
        outcome.tao = _transferred(events, hot.public)
        outcome.failed = outcome.tao == 0
        return outcome
    position = (hot.public, book.hotkeys[job.hotkey], job.netuid)
    if _stake_transferred(events, position):
        outcome.failed = False
        least, most = job.amount - ROUNDING, job.amount + ROUNDING
        left = min(max(staked(events, "StakeRemoved", position) or job.amount, least), most)
        outcome.change = Change(position, -left, -most, -least)
    return outcome


def _sweep_outcome(job: SweepJob, book: KeyBook, events: Sequence[BlockEvent], *, failed: bool) -> Outcome:
    key, hot, alpha = book.keys[job.deposit_key], book.hot, job.netuid is not None
    outcome = Outcome(
        job_id=job.job_id,
        job=Job.SWEEP,
        netuid=NO_NETUID if job.netuid is None else job.netuid,
        alpha=alpha,
        failed=True,
        key=key.number,
        hotkey=job.hotkey if alpha else 0,
    )
    if failed or hot is None:
        return outcome
    if job.netuid is None:
        outcome.tao = _transferred(events, key.public)
        outcome.failed = outcome.tao == 0
        return outcome
    position = (key.public, book.hotkeys[job.hotkey], job.netuid)
    if _stake_transferred(events, position):
        outcome.failed = False
        arrival = (hot.public, book.hotkeys[job.hotkey], job.netuid)
        left = min(staked(events, "StakeRemoved", position) or job.amount, job.amount)
        reached = min(staked(events, "StakeAdded", arrival) or left, left)
        outcome.change = Change(position, -left, -job.amount, 0)
        outcome.arrival = Change(arrival, reached, 0, job.amount)
    return outcome


def _transferred(events: Sequence[BlockEvent], sender: bytes) -> int:
    return sum(e.fields["amount"] for e in events if e.is_a("Balances", "Transfer") and e.fields["from"] == sender)


def staked(events: Iterable[BlockEvent], name: str, position: Position) -> int:
    """Return the alpha that ``StakeAdded`` or ``StakeRemoved`` events tell for a position, rao."""
    told = [e for e in events if e.is_a("SubtensorModule", name) and positions_named(e) == (position,)]
    return sum(event.fields["alpha"] for event in told)


def _stake_transferred(events: Sequence[BlockEvent], origin: Position) -> bool:
    return any(e.is_a("SubtensorModule", "StakeTransferred") and positions_named(e)[0] == origin for e in events)


def alpha_fees(block: FinalisedBlock, book: KeyBook) -> dict[int, Change]:
    """Return fees paid in alpha by our keys, by event index; the position is the one of ours that the fee fits.

    The event names coldkey and subnet only. A key of ours with several hotkeys on one subnet pays from the position
    whose change the block leaves unexplained; the first such position of the book is taken.
    """
    fees = {}
    for event in block.named("SubtensorModule", "TransactionFeePaidWithAlpha"):
        key = book.by_public.get(event.fields["who"])
        if key is None:
            continue
        netuid, fee = event.fields["netuid"], event.fields["alpha_fee"]
        own = sorted(p for p in book.positions if p[0] == key.number and p[2] == netuid)
        fallen = [p for p in own if _difference(block, book.public_position(p)) < 0]
        for numbered in (fallen or own)[:1]:
            fees[event.index] = Change(book.public_position(numbered), -fee, -fee, -fee)
    return fees


def _difference(block: FinalisedBlock, position: Position) -> int:
    return block.stakes.get(position, 0) - block.stakes_before.get(position, 0)


@dataclass(frozen=True, slots=True)
class GrowthCauses:
    """Why positions may have grown by themselves in a block: subnets whose epoch ran, owners who claimed dividends."""

    netuids: frozenset[int]
    coldkeys: frozenset[bytes]

    @classmethod
    def of(cls, block: FinalisedBlock) -> "GrowthCauses":
        """Return the causes in a block."""
        return cls(
            netuids=frozenset(netuid for netuid, pool in block.pools.items() if pool.epoch_ran),
            coldkeys=frozenset(event.fields["coldkey"] for event in block.named("SubtensorModule", "RootClaimed")),
        )

    def cover(self, position: Position) -> bool:
        """Return whether they may have let a position grow."""
        return position[2] in self.netuids or position[0] in self.coldkeys


def _settle_positions(block: FinalisedBlock, book: KeyBook, effects: Effects) -> None:
    """Correct our own changes by the reads where nothing else moved the position, and note what is left over."""
    changes: dict[Position, list[Change]] = defaultdict(list)
    for outcome in effects.outcomes:
        for change in (outcome.change, outcome.arrival):
            if change is not None:
                changes[change.position].append(change)
    for fee in alpha_fees(block, book).values():
        changes[fee.position].append(fee)
    causes = GrowthCauses.of(block)
    for position in block.stakes_before:
        own = changes.get(position, [])
        rest = _difference(block, position) - sum(change.delta for change in own)
        if own and rest and position not in effects.foreign and not causes.cover(position):
            for change in sorted(own, key=lambda c: c.lowest - c.highest):
                corrected = min(max(change.delta + rest, change.lowest), change.highest)
                rest -= corrected - change.delta
                change.delta = corrected
        effects.rest[position] = rest
    for outcome in effects.outcomes:
        _keep_plausible(outcome)


def _keep_plausible(outcome: Outcome) -> None:
    """Hold an outcome within what one operation can do; what does not fit is left for reconciliation to find."""
    if outcome.job is Job.SETTLEMENT and not outcome.failed:
        outcome.failed = outcome.tao <= 0 or outcome.change is None or outcome.change.delta == 0
    if outcome.change is not None and outcome.arrival is not None:
        left = -outcome.change.delta
        outcome.failed = outcome.failed or left == 0
        outcome.arrival.delta = min(max(outcome.arrival.delta, left - ROUNDING, 1), left)


def arrives_from_outside(block: FinalisedBlock, book: KeyBook, event: BlockEvent, receiver: bytes) -> bool:
    """Return whether an event pays one of our keys, and not as a part of our own work.

    Our own extrinsics pay the hot key alone (sweeps, sales); where one pays another key of ours, a customer had a
    withdrawal sent to a deposit address, and that is a deposit like any other.
    """
    key = book.by_public.get(receiver)
    if key is None:
        return False
    signer = next((e.signer for e in block.extrinsics if e.index == event.extrinsic), None)
    return key.role is not KeyRole.HOT or signer not in book.by_public


def job_of_extrinsic(book: KeyBook, jobs: Iterable[AnyJob], extrinsic: BlockExtrinsic) -> AnyJob | None:
    """Return the job whose bytes an extrinsic is."""
    for job in jobs:
        if job.signed and job.nonce == extrinsic.nonce and book.keys[job.key].public == extrinsic.signer:
            return job if extrinsic_hash(job.signed) == extrinsic.hash else None
    return None
