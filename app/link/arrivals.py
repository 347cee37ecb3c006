"""What reached our keys in a block without our doing: deposits, growth, payouts of dissolved subnets. Pure."""

from dataclasses import dataclass

from app.link.blocks import BlockEvent, FinalisedBlock, Position
from app.link.effects import Effects, GrowthCauses, arrives_from_outside, staked
from app.link.keybook import KeyBook, OurKey
from chain.keys import subnet_account
from ledger.engine.layout import NO_NETUID, KeyRole

WEIGHT_SCALE = 10**18
"""Weights of pools are parts of this."""


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


def dissolved_of(block: FinalisedBlock, book: KeyBook) -> list[Dissolution]:
    """Return what the chain paid our keys for listed subnets that were removed in this block.

    The payout of a key is the change of its free balance that transfers and fees do not explain. Where one block
    removes several subnets, a key's whole payout is told for the first of them that it had stake in. A listed subnet
    that paid us nothing is told with a payout of 0 to the hot key, since its market ends all the same.
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
    told = {payout.netuid for payout in payouts}
    hot = next((key.number for key in book.keys.values() if key.role is KeyRole.HOT), None)
    if hot is not None:
        unpaid = (netuid for netuid in gone if netuid in book.listed and netuid not in told)
        payouts.extend(Dissolution(key=hot, netuid=netuid, payout=0) for netuid in unpaid)
    return payouts


def _explained(block: FinalisedBlock, public: bytes) -> int:
    """Return the change of a free balance that transfers, fees and reserves explain, rao."""
    change, payers = 0, _payers(block)
    for event in block.events:
        if event.is_a("Balances", "Transfer") and (event.fields["from"], event.extrinsic) not in payers:
            amount = event.fields["amount"]
            change += amount * ((event.fields["to"] == public) - (event.fields["from"] == public))
        elif event.is_a("TransactionPayment", "TransactionFeePaid") and event.fields["who"] == public:
            change -= event.fields["actual_fee"]
        elif event.is_a("Balances", "Unreserved") and event.fields["who"] == public:
            change += event.fields["amount"]
        elif event.is_a("Balances", "Reserved") and event.fields["who"] == public:
            change -= event.fields["amount"]
    return change


def _payers(block: FinalisedBlock) -> set[tuple[bytes, int | None]]:
    """Return the accounts of removed subnets, each with what removed it: what they pay there is a payout, no deposit.

    In the same block an earlier swap of ours may have been paid from the same account.
    """
    return {
        (subnet_account(event.fields["netuid"]), event.extrinsic)
        for event in block.named("SubtensorModule", "NetworkRemoved")
    }


def deposits_of(block: FinalisedBlock, book: KeyBook, effects: Effects) -> list[Deposit]:
    """Return what arrived at our keys from outside, in the order of the block's events.

    TAO: every ``Balances.Transfer`` to a key of ours, whatever extrinsic caused it. Alpha: the change of a position
    that ``StakeTransferred`` names, less our own outcomes on it; several transfers to one position are one deposit,
    told at the last of them. Not counted: what our own extrinsics pay the hot key.
    """
    deposits, payers = [], _payers(block)
    last_of = {events[-1].index: position for position, events in effects.foreign.items()}
    for event in block.events:
        if event.is_a("Balances", "Transfer"):
            is_payout = (event.fields["from"], event.extrinsic) in payers
            key = None if is_payout else book.by_public.get(event.fields["to"])
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
