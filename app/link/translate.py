"""From a finalised block to one head group, in the exact order of ``spec/execution.md`` section 3. Pure.

``reads_for`` says what of the state a block needs, ``hotkeys_needed`` which hotkeys the ledger must know first, and
``translate_head`` gives the group. Its parts are functions of their own, one for each step.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.link.blocks import BlockEvent, FinalisedBlock, Position, Reads, positions_named
from app.link.effects import (
    Effects,
    GrowthCauses,
    Outcome,
    alpha_fees,
    arrives_from_outside,
    effects_of,
    events_outcomes,
    find_extrinsic,
    job_of_extrinsic,
    staked,
)
from app.link.keybook import KeyBook, OurKey
from app.link.wire import extrinsic_hash
from chain.keys import subnet_account
from ledger.engine.api import Records, Request
from ledger.engine.layout import NO_NETUID, CommandKind, Flag, KeyRole
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

WEIGHT_SCALE = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """What arrived at a key of ours; ``hotkey`` 0 and ``NO_NETUID`` for TAO; ``sender`` empty when several."""

    key: int
    hotkey: int
    netuid: int
    amount: int
    event_index: int
    sender: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What one extrinsic of ours cost; alpha where ``hotkey`` is not 0. ``job_id`` 0: an operator's extrinsic."""

    key: int
    amount: int
    netuid: int
    hotkey: int
    job_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What a position grew by itself, and what it held before, alpha rao."""

    key: int
    hotkey: int
    netuid: int
    amount: int
    stake_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissolution:
    """TAO that the chain paid a key of ours for a dissolved subnet, rao."""

    key: int
    netuid: int
    payout: int


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


def reads_for(block: FinalisedBlock, book: KeyBook, jobs: Iterable[AnyJob], *, everything: bool) -> Reads:
    """Return what of the state the translation of a block needs.

    The hot and trading key are read at every head, other keys and positions when an event names them, a subnet's epoch
    ran or an era is over; with ``everything`` all keys and all positions that the ledger ever had.
    """
    named = {value for event in block.events for value in event.fields.values() if isinstance(value, bytes)}
    signers = {extrinsic.signer for extrinsic in block.extrinsics if extrinsic.signer}
    over = [(book.keys[job.key].public, job.nonce, job.birth) for job in jobs if _is_over(block, job)]
    ended = {signer for signer, _, _ in over}
    accounts = {
        key.public
        for key in book.keys.values()
        if everything or key.role is not KeyRole.DEPOSIT or key.public in named | signers | ended
    }
    moved = {p for event in block.events for p in positions_named(event) if p[0] in book.by_public}
    known = {book.public_position(numbered) for numbered in book.positions}
    causes = GrowthCauses.of(block)
    payers = {
        (f.fields["who"], f.fields["netuid"]) for f in block.named("SubtensorModule", "TransactionFeePaidWithAlpha")
    }
    moved |= {p for p in known if causes.cover(p) or (p[0], p[2]) in payers}
    positions = moved | known if everything else moved
    if everything and book.hot is not None:
        hot = book.hot.public
        positions |= {(hot, book.hotkeys[listed.hotkey], listed.netuid) for listed in book.listed.values()}
    gone = {event.fields["netuid"] for event in block.named("SubtensorModule", "NetworkRemoved")}
    paid = {key for key, _, netuid in book.positions if netuid in gone}
    return Reads(
        accounts=tuple(sorted(accounts | {book.keys[key].public for key in paid})),
        accounts_before=tuple(sorted(book.keys[key].public for key in paid)),
        positions=tuple(sorted(positions)),
        positions_before=tuple(sorted(moved)),
        nonces=tuple(sorted(over)),
    )


def hotkeys_needed(block: FinalisedBlock, book: KeyBook) -> tuple[bytes, ...]:
    """Return hotkeys of a block's positions of ours that the ledger does not know yet, in order of appearance."""
    found: dict[bytes, None] = {}
    for event in block.events:
        for coldkey, hotkey, _ in positions_named(event):
            if coldkey in book.by_public and hotkey not in book.hotkey_numbers:
                found[hotkey] = None
    return tuple(found)


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
        if not _is_over(block, job) or find_extrinsic(block, book, job) is not None:
            continue
        signer = book.keys[job.key].public
        account = block.accounts.get(signer)
        unused = account is not None and account.nonce <= job.nonce
        user = block.used_nonces.get((signer, job.nonce))
        if unused or user not in {None, extrinsic_hash(job.signed)}:
            deaths.append(Death(job=job))
    return deaths


def _is_over(block: FinalisedBlock, job: AnyJob) -> bool:
    return bool(job.signed) and job.birth + job.period <= block.number


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


def dissolved_of(block: FinalisedBlock, book: KeyBook) -> list[Dissolution]:
    """Return what the chain paid our keys for listed subnets that were removed in this block.

    The payout of a key is the change of its free balance that transfers and fees do not explain. Where one block
    removes several subnets, a key's whole payout is told for the first of them that it had stake in.
    """
    gone = sorted({event.fields["netuid"] for event in block.named("SubtensorModule", "NetworkRemoved")})
    payouts = []
    for public in sorted(block.accounts_before, key=lambda public: book.by_public[public].number):
        key = book.by_public[public]
        netuid = next((n for n in gone if any(p[0] == key.number and p[2] == n for p in book.positions)), None)
        if netuid is None or netuid not in book.listed:
            continue
        payout = block.accounts[public].free - block.accounts_before[public].free - _explained(block, public)
        if payout > 0:
            payouts.append(Dissolution(key=key.number, netuid=netuid, payout=payout))
    return payouts


def _explained(block: FinalisedBlock, public: bytes) -> int:
    """Return the change of a free balance that transfers, fees and reserves explain, rao."""
    change, pots = 0, _removed_pots(block)
    for event in block.events:
        if event.is_a("Balances", "Transfer") and event.fields["from"] not in pots:
            amount = event.fields["amount"]
            change += amount * ((event.fields["to"] == public) - (event.fields["from"] == public))
        elif event.is_a("TransactionPayment", "TransactionFeePaid") and event.fields["who"] == public:
            change -= event.fields["actual_fee"]
        elif event.is_a("Balances", "Unreserved") and event.fields["who"] == public:
            change += event.fields["amount"]
        elif event.is_a("Balances", "Reserved") and event.fields["who"] == public:
            change -= event.fields["amount"]
    return change


def _removed_pots(block: FinalisedBlock) -> set[bytes]:
    """Return the accounts of the subnets that a block removed: what they pay is a payout and no deposit."""
    return {subnet_account(event.fields["netuid"]) for event in block.named("SubtensorModule", "NetworkRemoved")}


def deposits_of(block: FinalisedBlock, book: KeyBook, effects: Effects) -> list[Deposit]:
    """Return what arrived at our keys from outside, in the order of the block's events.

    TAO: every ``Balances.Transfer`` to a key of ours, whatever extrinsic caused it. Alpha: the change of a position
    that ``StakeTransferred`` names, less our own outcomes on it; several transfers to one position are one deposit,
    told at the last of them. Not counted: what our own extrinsics pay the hot key.
    """
    deposits, pots = [], _removed_pots(block)
    last_of = {events[-1].index: position for position, events in effects.foreign.items()}
    for event in block.events:
        if event.is_a("Balances", "Transfer"):
            key = None if event.fields["from"] in pots else book.by_public.get(event.fields["to"])
            if key is not None and arrives_from_outside(block, book, event, key.public) and event.fields["amount"]:
                deposits.append(_tao_deposit(key, event))
        elif event.index in last_of:
            deposit = _alpha_deposit(block, book, effects, last_of[event.index])
            if deposit is not None:
                deposits.append(deposit)
    return deposits


def _tao_deposit(key: OurKey, event: BlockEvent) -> Deposit:
    return Deposit(
        key=key.number,
        hotkey=0,
        netuid=NO_NETUID,
        amount=event.fields["amount"],
        event_index=event.index,
        sender=event.fields["from"],
    )


def _alpha_deposit(block: FinalisedBlock, book: KeyBook, effects: Effects, position: Position) -> Deposit | None:
    numbered = book.numbered(position)
    amount = _deposited(block, effects, GrowthCauses.of(block), position)
    if numbered is None or amount <= 0:
        return None
    events = effects.foreign[position]
    senders = {event.fields["origin_coldkey"] for event in events}
    key, hotkey, netuid = numbered
    return Deposit(
        key=key,
        hotkey=hotkey,
        netuid=netuid,
        amount=amount,
        event_index=events[-1].index,
        sender=senders.pop() if len(senders) == 1 else b"",
    )


def _deposited(block: FinalisedBlock, effects: Effects, causes: GrowthCauses, position: Position) -> int:
    """Return the alpha that arrived at a position from outside, rao.

    Where the position may also have grown by itself, only the events can part the two: ``StakeAdded`` tells the alpha;
    else the value in TAO is turned into alpha at the pool's price, rounded down. The rest is growth.
    """
    rest = effects.rest.get(position, 0)
    if not block.stakes_before.get(position, 0) or not causes.cover(position):
        return rest
    foreign = effects.foreign[position]
    sources = {event.extrinsic for event in foreign}
    told = staked((event for event in block.events if event.extrinsic in sources), "StakeAdded", position)
    if told:
        return min(rest, told)
    pool = block.pools.get(position[2])
    if pool is None or not pool.tao:
        return 0
    tao = sum(event.fields["tao"] for event in foreign)
    weight, other = pool.weight, WEIGHT_SCALE - pool.weight
    return min(rest, tao * pool.alpha * weight // (pool.tao * other) if other else 0)


def growth_of(block: FinalisedBlock, book: KeyBook, effects: Effects) -> list[Growth]:
    """Return what our positions grew where an epoch ran or root dividends were claimed, less outcomes and deposits."""
    grown = []
    causes = GrowthCauses.of(block)
    for position, rest in effects.rest.items():
        before = block.stakes_before.get(position, 0)
        numbered = book.numbered(position)
        if numbered is None or not before or not causes.cover(position):
            continue
        amount = rest - (_deposited(block, effects, causes, position) if position in effects.foreign else 0)
        if amount > 0:
            key, hotkey, netuid = numbered
            grown.append(Growth(key=key, hotkey=hotkey, netuid=netuid, amount=amount, stake_before=before))
    return sorted(grown, key=lambda growth: (growth.netuid, growth.key, growth.hotkey))


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
