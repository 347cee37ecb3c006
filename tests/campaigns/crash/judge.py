"""The client and the judge of one exchange: what must hold in each cycle, and what at the end."""

import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from app.demo.client import ExchangeClient
from app.demo.setup import CUSTOMERS, TESTER
from app.projections.verify import verify_projections
from tests.campaigns.crash import checks
from tests.campaigns.crash.client import ADDRESS_NAME, Rest
from tests.campaigns.crash.memory import Memory, rao
from tests.campaigns.crash.summary import Say, Summary
from tests.campaigns.crash.witness import Witness

HISTORY_EVERY: Final = 10
FRIEND: Final = next(name for name in CUSTOMERS if name != TESTER)


@dataclass
class Judge:
    """Of one world, from its beginning to its end."""

    summary: Summary
    say: Say
    memory: Memory = field(default_factory=Memory)
    witness: Witness = field(default_factory=Witness)
    live: dict[int, str] = field(default_factory=dict)
    """State hash of a living engine by the seq at which it stood; held against the log's at the next look."""
    customers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name: ``keys``, each a key and its secret, and ``deposit_address``."""
    _nonce: int = 0
    _cycles: int = 0

    async def begin(self, base: str, customers: Mapping[str, Mapping[str, Any]]) -> None:
        """Look at what the customer starts with, and register an address to pay to: another customer's."""
        self.customers = customers
        async with AsyncExitStack() as stack:
            rest = self.rest(stack, base)
            self.memory.start = {asset: rao(amount) for asset, amount in (await rest.call("Balance")).items()}
            key, secret = customers[TESTER]["keys"][0]
            client = await stack.enter_async_context(ExchangeClient(base, key=key, secret=secret))
            client._nonce = self.next_nonce()
            await client.add_address(asset="TAO", name=ADDRESS_NAME, address=customers[FRIEND]["deposit_address"])
            self._nonce = client._nonce

    async def check(self, rest: Rest, url: str) -> int:
        """Hold everything against everything after a start; return how many commands had no answer."""
        resent = await checks.send_again(rest, self.memory)
        await self.witness.follow(url, self.live)
        self.live.clear()
        await checks.check_answers(rest, self.memory, self.witness)
        await checks.check_cancelled(rest, self.memory)
        self._cycles += 1
        if self._cycles % HISTORY_EVERY == 0:
            await verify_projections(url)
        return resent

    def tell_cycle(self, how: str, *, resent: int, up_s: float, took_s: float) -> None:
        """Count a cycle and tell it."""
        self.summary.cycles += 1
        self.summary.kills[how] += 1
        self.summary.resent += resent
        self.say(
            f"cycle {self.summary.cycles}: {how}; {self.memory.answers} answers kept, {resent} sent again,"
            f" up again in {up_s:.1f} s, checked in {took_s:.1f} s"
        )

    async def end(self, base: str, url: str, node_url: str) -> None:
        """Wait until every payment is done; then read everything again from the beginning, on both sides."""
        memory, witness = self.memory, self.witness
        async with AsyncExitStack() as stack:
            rest, friend = self.rest(stack, base), self.rest(stack, base, FRIEND)
            arrived = await checks.check_payments(rest, friend, memory)
            await checks.look_at(rest, memory, memory.answered.values())
            await witness.follow(url, {})
            await checks.check_answers(rest, memory, witness)
        balances = await checks.check_custody(base, node_url)
        await witness.follow(url, {})
        stood = await witness.read_everything_again(url)
        verified = await verify_projections(url)
        self._count()
        self.say(
            f"world: {len(memory.answered)} orders, {len(memory.paid_out)} withdrawals, {arrived} rao arrived once,"
            f" {balances} balances of custody equal the chain's; {witness.head.seq} events replay to one state,"
            f" from nothing and from the snapshot at {stood}; {sum(v.rows for v in verified)} rows of history hold"
        )

    def _count(self) -> None:
        summary, memory, witness = self.summary, self.memory, self.witness
        summary.answers += memory.answers
        summary.orders += len(memory.answered)
        summary.withdrawals += len(memory.paid_out)
        summary.lost += len(memory.answered.keys() - witness.orders.keys())
        summary.lost += len(set(memory.paid_out.values()) - witness.withdrawals.keys())
        summary.doubled += len(witness.doubled)
        summary.states += witness.compared
        summary.batches += witness.head.number + 1

    def rest(self, stack: AsyncExitStack, base: str, name: str = TESTER, *, number: int = 0) -> Rest:
        """Return a client with one of a customer's keys, closed with the stack."""
        key, secret = self.customers[name]["keys"][number]
        rest = Rest(base, (key, secret), self.next_nonce)
        stack.push_async_callback(rest.close)
        return rest

    def next_nonce(self) -> int:
        """Return a nonce above all before."""
        self._nonce = max(self._nonce + 1, time.time_ns())
        return self._nonce
