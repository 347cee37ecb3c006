"""What heads bring in a history: quiet, busy, strange, unexplained and broken ones."""

import copy
from random import Random

from amm.reference import Pool, Side
from ledger.engine.layout import (
    NO_NETUID,
    CommandKind,
)
from tests.model.chain import SPEC, TAO, Block
from tests.model.operators import Operators
from tests.model.scene import DEPOSIT_KEYS, HOT, NETUIDS, TRADING, any_pool
from tests.model.spoilt import spoil_frame, spoil_order, spoil_parent, spoil_record


class Heads(Operators):
    """Every kind of head."""

    def quiet_head(self, rng: Random) -> None:
        """Import a head with nothing on it but our own extrinsics."""
        self.settle_heads(rng, rng.choice((1, 1, 1, 2, 4)))

    def idle_heads(self, rng: Random) -> None:
        """Import heads in which the chain takes none of our extrinsics, until eras pass and needs grow old."""
        for _ in range(rng.choice((3, 9, 30))):
            self.import_block(rng, lambda block: None)

    def busy_head(self, rng: Random) -> None:
        """Import a head with deposits, strangers' trades, an epoch, drift and our own extrinsics."""

        def play(block: Block) -> None:
            block.play_jobs()
            self.play_deposits(rng, block)
            places = [place for place, amount in block.chain.stake.items() if amount]
            if rng.random() < 0.3:
                for place in places:
                    block.grow(place, rng.randrange(1, 10 ** rng.randrange(1, 12)))
            if rng.random() < 0.3:
                for place in places:
                    block.chain.stake[place] += max(rng.randrange(-4, 5), -block.chain.stake[place])
            for netuid in NETUIDS:
                if rng.random() < 0.5:
                    block.trade(netuid, rng.choice((Side.BUY, Side.SELL)), rng.choice((1, 100, 20_000)))

        self.import_block(rng, play, everything=rng.random() < 0.9)

    def play_deposits(self, rng: Random, block: Block) -> None:
        """Let money arrive: for customers, for the house, for nobody."""
        for _ in range(rng.choice((0, 1, 1, 3))):
            key = rng.choice((*DEPOSIT_KEYS, len(self.exchange.keys), HOT, TRADING))
            funding = rng.choice(self.exchange.fundings) if self.exchange.fundings and rng.random() < 0.6 else None
            amount = rng.choice((1, 999_999, 1_000_000, rng.randrange(1, 10**6) * 10**6, 5 * TAO))
            if funding:
                alpha, netuid, amount = funding.alpha, funding.netuid, funding.amount
                key = HOT if amount < 10**15 else 0
            else:
                alpha, netuid = rng.random() < 0.5, rng.choice(NETUIDS)
            if not 1 <= key <= len(self.exchange.keys):
                continue
            if alpha:
                block.deposit(key, amount, netuid=netuid, hotkey=rng.choice((1, 2)))
            else:
                block.deposit(key, amount)

    def strange_head(self, rng: Random) -> None:
        """Import a head of a pool that jumps, is closed, is missing, is odd, or of an unknown version."""
        if not self.is_troubled(rng):
            return
        netuid = rng.choice(NETUIDS)

        def play(block: Block) -> None:
            block.play_jobs()
            pool = block.chain.pools[netuid]
            block.chain.pools[netuid] = rng.choice(
                (
                    Pool(pool.tao * 3, pool.alpha, pool.weight, pool.fee_rate),
                    Pool(pool.tao // 3, pool.alpha, pool.weight, pool.fee_rate),
                    Pool(pool.tao, pool.alpha, rng.choice((10**16, 95 * 10**16, 4 * 10**17)), pool.fee_rate),
                    any_pool(rng),
                    any_pool(rng),
                    pool,
                )
            )

        some = frozenset({netuid})
        self.import_block(
            rng,
            play,
            spec=rng.choice((SPEC, SPEC, SPEC, SPEC + 1)),
            hidden=rng.choice((frozenset(), frozenset(), some)),
            closed=rng.choice((frozenset(), frozenset(), some)),
        )

    def unexplained_head(self, rng: Random) -> None:
        """Import a head on which money came or went without a word."""
        if not self.is_troubled(rng):
            return

        def play(block: Block) -> None:
            change = rng.choice((1, -1, 5, -5, 10**9, -(10**9)))
            places = list(block.chain.stake)
            if places and rng.random() < 0.5:
                place = rng.choice(places)
                block.chain.stake[place] = max(block.chain.stake[place] + change, 0)
            else:
                table = rng.choice((block.chain.free, block.chain.free, block.chain.reserved))
                key = rng.randrange(1, len(self.exchange.keys) + 1)
                table[key] = max(table.get(key, 0) + change, 0)

        self.import_block(rng, play)
        self.mostly_recover(rng)

    def dissolve(self, rng: Random) -> None:
        """Import a head on which a subnet is dissolved."""
        if not self.is_troubled(rng):
            return

        def play(block: Block) -> None:
            payout, netuid = rng.choice((0, 1, 10**9, 10**13)), rng.choice((1, 2, 7, NO_NETUID))
            key = rng.choice((HOT, 3))
            block.others.append(self.command_of(CommandKind.DISSOLVED_SEEN, netuid=netuid, payout=payout, key=key))
            block.add_free(key, payout)
            for place in block.chain.stake:
                if place[2] == netuid and rng.random() < 0.95:
                    block.chain.stake[place] = 0

        self.import_block(rng, play)
        self.mostly_recover(rng)

    def broken_head(self, rng: Random) -> None:
        """Send a head that must be refused whole, or the last one once more; the chain knows nothing of it."""
        if not self.is_troubled(rng):
            return
        if self.outbox:
            self.send()
        block = Block(copy.deepcopy(self.chain), self.exchange, rng)
        block.play_jobs()
        self.play_deposits(rng, block)
        for key in rng.choice(((), (HOT,), (HOT, 3))):
            block.fees.append(self.command_of(CommandKind.CHAIN_FEE_SEEN, key=key, fee=1, netuid=NO_NETUID))
        group = block.group(everything=rng.random() < 0.5)
        commands = group.commands.copy()
        spoil = rng.choice((spoil_frame, spoil_order, spoil_record, spoil_record, spoil_record, spoil_parent))
        answer = self.send(spoil(rng, commands, group.payloads))[0]
        if answer.code == 0 and not answer.duplicate:
            self.adopt()
        self.mostly_recover(rng)

    def adopt(self) -> None:
        """Let the chain be what the ledger took over: a spoilt head that both engines found sound."""
        books = self.exchange.books
        self.chain.height, self.chain.ts = self.exchange.head, self.exchange.block_ts
        self.chain.hash = b"".join(word.to_bytes(8, "little", signed=True) for word in self.exchange.head_hash)
        for key in range(1, len(self.exchange.keys) + 1):
            self.chain.free[key], self.chain.reserved[key] = books.custody_free(key), books.custody_reserved(key)
        for (name, key, hotkey), asset in list(books.amounts):
            if name == "custody_stake":
                self.chain.stake[key, hotkey, asset - 1] = books.custody_stake(key, hotkey, asset - 1)
