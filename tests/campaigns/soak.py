"""Many blocks of trading with emission on; ``python -m tests.campaigns.soak --blocks 1000``.

A real node seals blocks with epochs and emission, customers trade every way the exchange knows, strangers stake on the
same subnet, deposits and withdrawals go on, and at the end root dissolves the subnet. At every head custody must equal
the chain, nothing may reach suspense but what belongs there, and no reconciliation may break.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from chain.extrinsic import call_value
from chain.keys import KeyPair
from chain.runtime.genesis import DEV_OWNER
from ledger.engine.layout import TAO_ASSET, CommandKind, EventKind, Flag, Mode, Stage, Trait
from ledger.engine.records import command, request
from tests.support.link_chain import NETUID, TAO, VALIDATOR, Person
from tests.support.link_exchange import Exchange, running_exchange

ROUNDING = 4
"""Alpha rao by which share pools may round a position between two reads of it."""
CUSTOMERS = 6
OWNER = KeyPair.from_uri(DEV_OWNER[0]).public


@dataclass
class Soaked:
    """What a run came to."""

    blocks: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    fills: Counter[str] = field(default_factory=Counter)
    growth: int = 0
    settlements: int = 0
    drift: int = 0
    claims: int = 0
    breaches: list[str] = field(default_factory=list)


class Trader:
    """Places, changes and cancels orders of every type around the present price."""

    def __init__(self, exchange: Exchange, rng: random.Random, account: int) -> None:
        self.exchange = exchange
        self.rng = rng
        self.account = account
        self.placed: list[int] = []

    async def act(self) -> str:
        """Do one thing and return what became of it."""
        draw = self.rng.random()
        if self.placed and draw < 0.15:
            order_id = self.rng.choice(self.placed)
            return await self._send(CommandKind.CANCEL_ORDER, order_id=order_id)
        if self.placed and draw < 0.25:
            price, order_id = self._price(), self.rng.choice(self.placed)
            return await self._send(CommandKind.AMEND_ORDER, order_id=order_id, limit=self._near(price))
        if draw < 0.28:
            return await self._send(CommandKind.CANCEL_ALL, netuid=NETUID)
        return await self._place()

    async def _place(self) -> str:
        rng, price = self.rng, self._price()
        sell = Flag.SELL if rng.random() < 0.5 else Flag(0)
        value = rng.choice((TAO // 50, TAO // 5, 2 * TAO, 20 * TAO))
        figures = {"netuid": NETUID, "alpha_rao": max(value * TAO // price, 1)}
        match rng.randrange(8):
            case 0 | 1:
                flags, more = sell, {"slippage_ppm": rng.choice((5_000, 50_000))}
            case 2:
                flags, more = sell | Flag.LIMIT | Flag.IOC, {"limit": self._near(price)}
            case 3:
                flags, more = sell | Flag.LIMIT | Flag.FOK, {"limit": self._near(price)}
            case 4:
                flags, more = sell | Flag.LIMIT | Flag.POST_ONLY, {"limit": self._near(price)}
            case 5:
                trigger = self._near(price)
                trait = rng.choice((Trait.STOP_LOSS, Trait.TAKE_PROFIT)) | rng.choice((Trait(0), Trait.ON_INDEX))
                flags, more = sell, {"traits": int(trait), "trigger": trigger, "slippage_ppm": 20_000}
            case _:
                flags, more = sell | Flag.LIMIT, {"limit": self._near(price)}
        return await self._send(CommandKind.PLACE_ORDER, flags=int(flags), **(figures | more))

    def _price(self) -> int:
        market = self.exchange.views.market(NETUID, 0)
        assert market is not None
        return max(market.spot_rao, 1)

    def _near(self, price: int) -> int:
        return max(price * self.rng.randrange(97_000, 103_000) // 100_000, 1)

    async def _send(self, kind: CommandKind, *, flags: int = 0, **figures: int) -> str:
        record = command(kind, flags=flags, account=self.account, **figures)
        answer = await self.exchange.sequencer.submit(request(record))
        if kind is CommandKind.PLACE_ORDER and answer.code == 0:
            self.placed = [*self.placed[-20:], answer.reference]
        return kind.name.lower() if answer.code == 0 else f"{kind.name.lower()} refused"


async def soak(folder: Path, seed: int, blocks: int) -> Soaked:
    """Run an exchange over some blocks, and dissolve its subnet at the end."""
    rng = random.Random(seed)
    told = Soaked()
    async with running_exchange(folder, everything_every=10) as exchange:
        customers = [await exchange.open_account(f"customer {number}") for number in range(CUSTOMERS)]
        whale, bob = Person(exchange.node, "//Alice"), Person(exchange.node, "//Bob")
        for _, address in customers:
            whale.pay(address, 300 * TAO)
            whale.pay_alpha(address, 2_000 * TAO)
        await exchange.seal(2)
        traders = [Trader(exchange, rng, account) for account, _ in customers]
        for block in range(blocks):
            for _ in range(rng.randrange(12)):
                told.answers[await rng.choice(traders).act()] += 1
            if block % 5 == 0:
                amount = rng.randrange(TAO, 50 * TAO)
                bob.call("SubtensorModule", "add_stake", hotkey=VALIDATOR, netuid=NETUID, amount_staked=amount)
            if block % 7 == 0:
                account, address = rng.choice(customers)
                whale.pay(address, rng.randrange(TAO, 5 * TAO))
                if exchange.free(account) > 2 * TAO:
                    await exchange.withdraw(account, rng.randbytes(32), TAO)
            await exchange.seal()
            await compare(exchange, told, block)
            told.blocks += 1
        await dissolve(exchange, whale, told)
        judge(exchange, told)
    return told


async def compare(exchange: Exchange, told: Soaked, block: int) -> None:
    """Hold all of custody against the chain."""
    for balance in (await exchange.reconcile()).balances:
        if abs(balance.difference) > (ROUNDING if balance.what == "stake" else 0):
            told.breaches.append(f"block {block}: {balance}")


async def dissolve(exchange: Exchange, root: Person, told: Soaked) -> None:
    """Let root dissolve the subnet, and wait for the payout to be shared."""
    call = call_value("SubtensorModule", "dissolve_network", coldkey=OWNER, netuid=NETUID)
    root.call("Sudo", "sudo", call=call)
    for _ in range(12):
        await exchange.seal()
        await compare(exchange, told, -1)
    market = exchange.views.market(NETUID, 0)
    if market is None or market.stage is not Stage.DELISTED:
        told.breaches.append("the dissolved market was not shared out")
    left = exchange.views.accounts_total(NETUID + 1)
    if left.customers_free or left.customers_held:
        told.breaches.append("alpha of the dissolved subnet is left")


def judge(exchange: Exchange, told: Soaked) -> None:
    """Count what happened and name what must not have happened."""
    for kind in (EventKind.RECONCILIATION_BROKEN, EventKind.HEAD_REFUSED):
        told.breaches.extend(f"{kind.name} at seq {int(event['seq'])}" for event in exchange.events(kind))
    for event in exchange.events(EventKind.FILLED):
        told.fills[Mode(int(event["code"])).name.lower()] += 1
    told.fills["cross"] = len(exchange.events(EventKind.CROSSED))
    told.growth = len(exchange.events(EventKind.GROWTH_SHARED))
    told.settlements = len(exchange.events(EventKind.SETTLEMENT_BOOKED))
    told.drift = sum(abs(int(event["amount"])) for event in exchange.events(EventKind.STAKE_DRIFTED))
    told.claims = len(exchange.events(EventKind.CLAIM_PAID))
    totals = exchange.views.accounts_total(TAO_ASSET)
    if totals.suspense:
        told.breaches.append(f"{totals.suspense} rao of TAO lie in suspense")


def main() -> int:
    """Run the soak, print what it came to, and return 0, or 7 after a breach."""
    parser = argparse.ArgumentParser(description="many blocks of trading with emission on")
    parser.add_argument("--blocks", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(soak(Path(folder), options.seed, options.blocks))
    lines = [
        f"{told.blocks} blocks, {sum(told.answers.values())} commands: {dict(told.answers)}",
        f"fills {dict(told.fills)}, settlements {told.settlements}, growth {told.growth}",
        f"drift {told.drift} rao, claims {told.claims}",
        *told.breaches[:20],
    ]
    print("\n".join(lines))  # noqa: T201 - its output
    return 7 if told.breaches else 0


if __name__ == "__main__":
    sys.exit(main())
