"""Everything that can happen to the exchange, each with a source of chance: what a history is made of."""

from random import Random

from ledger.engine.layout import (
    MAX_AMOUNT,
    NO_NETUID,
    CommandKind,
    KeyRole,
    Stage,
)
from ledger.engine.records import request
from tests.model.chain import TAO, Block
from tests.model.customers import Customers
from tests.model.heads import Heads
from tests.model.scene import CUSTOMERS, DEPOSIT_KEYS, HOT, NETUIDS, TRADING, any_pool
from tests.model.traders import Traders


class World(Traders, Customers, Heads):
    """A history that begins with what most of them need."""

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.found(rng)

    def found(self, rng: Random) -> None:
        """Set up what most histories need: keys, accounts, markets, a first head with the house's money on it."""
        names = [self.command_of(CommandKind.OPEN_ACCOUNT, name=1) for _ in CUSTOMERS]
        self.send(*[request(record, payloads=[f"customer {i}".encode()]) for i, record in enumerate(names)])
        for number, (role, account) in enumerate(
            ((KeyRole.HOT, 0), (KeyRole.TRADING, 0), *((KeyRole.DEPOSIT, account) for account in CUSTOMERS)), 1
        ):
            record = self.command_of(CommandKind.ADD_CHAIN_KEY, key=number, role=int(role), account=account, public=1)
            self.send(request(record, payloads=[bytes([number]) * 32]))
        for number in (1, 2):
            record = self.command_of(CommandKind.ADD_HOTKEY, hotkey=number, public=1)
            self.send(request(record, payloads=[bytes([100 + number]) * 32]))
        for netuid in rng.choice(((1, 2), (2, 1), (1,))):
            stage = int(Stage.LIMIT_ONLY if self.is_troubled(rng) else Stage.ONLINE)
            record = self.command_of(
                CommandKind.LIST_MARKET, netuid=netuid, stage=stage, hotkey=1, registered_at=7, body=1
            )
            self.send(request(record, payloads=[b"{}"]))
        for netuid in NETUIDS:
            self.chain.pools[netuid] = any_pool(rng, odd=self.is_troubled(rng))
        if not self.is_troubled(rng) or rng.random() < 0.5:
            self.fund(rng)
        self.settle_heads(rng, 1)
        for market in self.exchange.ascending():
            if not self.is_troubled(rng):
                self.post(rng, self.configuration(rng, market.netuid, sound=True))
        for account in CUSTOMERS[:2]:
            for netuid in (NO_NETUID, *self.exchange.markets):
                if rng.random() < 0.8:
                    self.post(rng, *self.address(rng, account, netuid))
        self.settle_heads(rng, 1)

    def fund(self, rng: Random) -> None:
        """Put the house's money on the hot key, and something for customers on theirs."""
        rich = sum(pool.tao for pool in self.chain.pools.values())
        self.chain.free[HOT] = min(rich, MAX_AMOUNT) if rng.random() < 0.8 else rng.randrange(1, 10**4) * TAO // 100
        self.chain.free[TRADING] = TAO
        self.chain.reserved[HOT] = rng.choice((0, 93_000_000))
        for netuid in self.exchange.markets:
            self.chain.stake[HOT, 1, netuid] = self.chain.pools[netuid].alpha // rng.choice(
                (5, 20, 100, 500, 2_000, 8_000)
            )
        self.settle_heads(rng, 1)
        if rng.random() < 0.97:

            def give(block: Block) -> None:
                for key in DEPOSIT_KEYS:
                    block.deposit(key, rng.randrange(10**3, 10**5) * TAO)
                    for netuid in self.exchange.markets:
                        block.deposit(key, rng.randrange(10**12, 10**14), netuid=netuid, hotkey=1)

            self.import_block(rng, give)


ACTIONS: dict[str, int] = {
    "order": 60,
    "ladder": 6,
    "amend": 8,
    "cancel": 6,
    "cancel_all": 2,
    "cancel_after": 2,
    "issue_quote": 6,
    "use_quote": 6,
    "set_tier": 1,
    "tick": 6,
    "quiet_head": 16,
    "busy_head": 12,
    "sign_all": 8,
    "withdraw": 6,
    "sweep": 5,
    "strange_head": 6,
    "clear_all_halts": 2,
    "recover": 2,
    "sign": 3,
    "release": 2,
    "repeat": 4,
    "wait": 3,
    "set_market": 2,
    "set_stage": 4,
    "set_halt": 2,
    "announce_funding": 2,
    "resolve_suspense": 4,
    "add_address": 2,
    "unexplained_head": 4,
    "idle_heads": 2,
    "broken_head": 6,
    "dissolve": 1,
    "open_account": 1,
    "add_api_key": 1,
    "add_chain_key": 1,
    "add_hotkey": 1,
    "list_market": 1,
    "unknown_command": 1,
}
"""What can happen, and how often beside the others."""
