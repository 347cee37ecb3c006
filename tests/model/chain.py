"""A tiny chain that keeps custody's truth: balances, stakes, pools, and what becomes of our extrinsics."""

import hashlib
from dataclasses import dataclass, field
from random import Random

from amm.errors import SwapRefused
from amm.reference import Pool, Side, apply_swap, limit_bits_of, swap
from ledger.engine.api import Request
from ledger.engine.layout import NO_NETUID, CommandKind, Flag, Job, JobState, KeyRole, Records
from ledger.engine.records import command, hash_words, head_group
from tests.support.naive.exchange import Exchange, OpenJob

SPEC = 424
TAO = 10**9


@dataclass
class Chain:
    """What is true on the chain after its last block."""

    free: dict[int, int] = field(default_factory=dict)
    reserved: dict[int, int] = field(default_factory=dict)
    stake: dict[tuple[int, int, int], int] = field(default_factory=dict)
    pools: dict[int, Pool] = field(default_factory=dict)
    height: int = 0
    hash: bytes = bytes(32)
    ts: int = 1_700_000_000_000


class Block:
    """One block in the making: changes the chain and writes down what the link would tell of it."""

    def __init__(self, chain: Chain, exchange: Exchange, rng: Random) -> None:
        self.chain = chain
        self.exchange = exchange
        self.rng = rng
        self.outcomes: list[Records] = []
        self.fees: list[Records] = []
        self.deposits: list[Records] = []
        self.growths: list[Records] = []
        self.others: list[Records] = []
        self.payloads: list[bytes] = []
        self.keys: set[int] = set()
        self.positions: set[tuple[int, int, int]] = set()
        self.parent = chain.hash
        chain.height += 1
        chain.ts += rng.choice((250, 1_000, 2_000, 12_000))
        chain.hash = hashlib.blake2b(chain.hash + rng.randbytes(8), digest_size=32).digest()

    # money

    def add_free(self, key: int, amount: int) -> None:
        """Change a key's free balance."""
        self.chain.free[key] = self.chain.free.get(key, 0) + amount
        assert self.chain.free[key] >= 0, "the chain pays only what is there"
        self.keys.add(key)

    def add_stake(self, key: int, hotkey: int, netuid: int, amount: int) -> None:
        """Change a position."""
        place = (key, hotkey, netuid)
        self.chain.stake[place] = self.chain.stake.get(place, 0) + amount
        assert self.chain.stake[place] >= 0, "the chain moves only what is there"
        self.positions.add(place)

    def deposit(self, key: int, amount: int, *, netuid: int = NO_NETUID, hotkey: int = 0) -> None:
        """Let somebody send TAO or alpha to one of our keys."""
        alpha = netuid != NO_NETUID
        if alpha:
            self.add_stake(key, hotkey, netuid, amount)
        else:
            self.add_free(key, amount)
        if self.rng.random() < 0.5:
            self.payloads.append(self.rng.randbytes(32))
            sender = len(self.payloads)
        else:
            sender = 0
        self.deposits.append(
            command(
                CommandKind.DEPOSIT_SEEN,
                flags=int(Flag.ALPHA) if alpha else 0,
                key=key,
                netuid=netuid,
                hotkey=hotkey,
                amount=amount,
                event_index=len(self.deposits),
                sender=sender,
            )
        )

    def grow(self, place: tuple[int, int, int], growth: int) -> None:
        """Let a position earn an epoch."""
        key, hotkey, netuid = place
        before = self.chain.stake.get(place, 0)
        self.add_stake(key, hotkey, netuid, growth)
        figures = {"key": key, "hotkey": hotkey, "netuid": netuid, "growth": growth, "stake_before": before}
        self.growths.append(command(CommandKind.GROWTH_SEEN, **figures))

    # extrinsics

    def include(self, job: OpenJob) -> None:
        """Include a signed extrinsic: every item has its own outcome; the signer pays a fee."""
        if job.job == Job.SETTLEMENT:
            markets = [market for market in self.exchange.ascending() if market.item]
            for market in sorted(markets, key=lambda market: market.item.number if market.item else 0):
                self.settle(job, market.netuid)
        elif job.job == Job.WITHDRAWAL:
            self.pay_out(job)
        else:
            self.sweep(job)
        fee = min(self.rng.choice((0, 125_000, 1_700_000)), self.chain.free.get(job.key, 0))
        if fee:
            self.add_free(job.key, -fee)
            record = command(CommandKind.CHAIN_FEE_SEEN, key=job.key, fee=fee, netuid=NO_NETUID, job_id=job.job_id)
            self.fees.append(record)

    def tell_outcome(self, job: OpenJob, *, flags: int = 0, **figures: int) -> None:
        """Write down an outcome."""
        self.outcomes.append(
            command(CommandKind.OUTCOME_SEEN, flags=flags, job_id=job.job_id, job=int(job.job), **figures)
        )

    def settle(self, job: OpenJob, netuid: int) -> None:
        """Swap one item on the chain's pool, up to its limit price."""
        item = self.exchange.markets[netuid].item
        hot = self.exchange.key_of(KeyRole.HOT)
        assert item is not None, "the caller found one"
        side = Side.SELL if item.sell else Side.BUY
        flags = int(Flag.SELL) if item.sell else 0
        pool = self.chain.pools[netuid]
        figures = {"netuid": netuid, "item": item.number}
        owned = self.chain.stake.get((hot, item.hotkey, netuid), 0) if item.sell else self.chain.free.get(hot, 0)
        try:
            swapped = swap(pool, side, item.amount, limit_bits=limit_bits_of(item.limit))
        except SwapRefused:
            swapped = None
        spent = swapped.amount_in + swapped.fee if swapped else 0
        if swapped is None or not swapped.amount_out or spent > owned or self.rng.random() < 0.1:
            self.tell_outcome(job, flags=flags | Flag.FAILED, **figures)
            return
        self.chain.pools[netuid] = swapped.pool
        if item.sell:
            author = swap(swapped.pool, Side.SELL, swapped.fee, drop_fees=True, simulate=True) if swapped.fee else None
            self.chain.pools[netuid] = author.pool if author else swapped.pool
            self.add_stake(hot, item.hotkey, netuid, -spent)
            self.add_free(hot, swapped.amount_out)
            figures |= {"alpha_rao": spent, "tao_rao": swapped.amount_out}
        else:
            self.add_free(hot, -spent)
            self.add_stake(hot, item.hotkey, netuid, swapped.amount_out)
            figures |= {"alpha_rao": swapped.amount_out, "tao_rao": spent}
        self.tell_outcome(job, flags=flags, key=hot, hotkey=item.hotkey, **figures)

    def pay_out(self, job: OpenJob) -> None:
        """Pay a withdrawal, or fail where the hot key has too little."""
        hot, alpha = job.key, int(Flag.ALPHA) if job.alpha else 0
        left = job.amount
        place = (hot, job.hotkey, job.netuid)
        owned = self.chain.stake.get(place, 0) if job.alpha else self.chain.free.get(hot, 0)
        if job.alpha and self.rng.random() < 0.3:
            left += self.rng.choice((-1, 1))
        if not 0 < left <= owned or self.rng.random() < 0.1:
            self.tell_outcome(job, flags=alpha | Flag.FAILED, netuid=job.netuid)
        elif job.alpha:
            self.add_stake(*place, -left)
            self.tell_outcome(job, flags=alpha, netuid=job.netuid, key=hot, hotkey=job.hotkey, alpha_rao=left)
        else:
            self.add_free(hot, -left)
            self.tell_outcome(job, netuid=NO_NETUID, key=hot, tao_rao=left)

    def sweep(self, job: OpenJob) -> None:
        """Move a deposit key's money to the hot key."""
        hot, alpha = self.exchange.key_of(KeyRole.HOT), int(Flag.ALPHA) if job.alpha else 0
        place = (job.from_key, job.hotkey, job.netuid)
        owned = self.chain.stake.get(place, 0) if job.alpha else self.chain.free.get(job.from_key, 0)
        if job.amount > owned or self.rng.random() < 0.1:
            self.tell_outcome(job, flags=alpha | Flag.FAILED, netuid=job.netuid)
            return
        lost = 1 if job.alpha and job.amount > 1 and self.rng.random() < 0.3 else 0
        arrived = job.amount - lost
        if job.alpha:
            self.add_stake(*place, -job.amount)
            self.add_stake(hot, job.hotkey, job.netuid, arrived)
            figures = {"alpha_rao": job.amount, "hotkey": job.hotkey, "netuid": job.netuid}
        else:
            self.add_free(job.from_key, -job.amount)
            self.add_free(hot, arrived)
            figures = {"tao_rao": job.amount, "netuid": NO_NETUID}
        told = arrived if lost or self.rng.random() < 0.5 else 0
        self.tell_outcome(job, flags=alpha, key=job.from_key, arrived_rao=told, **figures)

    def bury(self, job: OpenJob) -> None:
        """Tell that a signed extrinsic's era has passed."""
        self.outcomes.append(command(CommandKind.EXTRINSIC_DEAD, job_id=job.job_id, job=int(job.job)))

    def play_jobs(self) -> None:
        """Include some signed extrinsics, and tell of those that are dead."""
        for job in list(self.exchange.jobs.values()):
            if job.state != JobState.SIGNED:
                continue
            if job.birth + job.period <= self.chain.height:
                self.bury(job)
            elif self.rng.random() < 0.6:
                self.include(job)

    # the group

    def trade(self, netuid: int, side: Side, share_ppm: int) -> None:
        """Let a stranger trade a share of a reserve."""
        pool = self.chain.pools[netuid]
        amount = (pool.tao if side is Side.BUY else pool.alpha) * share_ppm // 1_000_000
        try:
            swapped = swap(pool, side, amount)
        except SwapRefused:
            return
        self.chain.pools[netuid] = apply_swap(pool, side, amount_in=swapped.amount_in, amount_out=swapped.amount_out)

    def group(
        self,
        *,
        spec: int = SPEC,
        hidden: frozenset[int] = frozenset(),
        closed: frozenset[int] = frozenset(),
        everything: bool = True,
    ) -> Request:
        """Return the whole block as a head group; ``hidden`` and ``closed`` are netuids."""
        keys = set(range(1, len(self.exchange.keys) + 1)) if everything else self.keys
        places = set(self.chain.stake) if everything else self.positions
        begin = command(
            CommandKind.HEAD_BEGIN,
            number=self.chain.height,
            spec_version=spec,
            block_ts=self.chain.ts,
            **hash_words(self.chain.hash),
            **hash_words(self.parent, "parent"),
        )
        pools = [
            command(
                CommandKind.POOL_SEEN,
                flags=(Flag.CLOSED if netuid in closed else 0) | (Flag.EPOCH if self.growths else 0),
                netuid=netuid,
                tao_reserve=pool.tao,
                alpha_reserve=pool.alpha,
                weight=pool.weight,
                fee_rate=pool.fee_rate,
            )
            for netuid, pool in sorted(self.chain.pools.items())
            if netuid not in hidden
        ]
        accounts = [
            command(
                CommandKind.ACCOUNT_SEEN,
                key=key,
                free=self.chain.free.get(key, 0),
                reserved=self.chain.reserved.get(key, 0),
            )
            for key in sorted(keys)
        ]
        stakes = [
            command(
                CommandKind.STAKE_SEEN,
                key=key,
                hotkey=hotkey,
                netuid=netuid,
                stake=self.chain.stake[key, hotkey, netuid],
            )
            for key, hotkey, netuid in sorted(places)
        ]
        body = [begin, *self.outcomes, *self.fees, *self.others, *self.deposits, *self.growths]
        return head_group([*body, *pools, *accounts, *stakes], self.payloads)
