"""A small exchange for the link's tests: a real node that seals by hand, a real engine with its replica, and the link.

Everything but the node's folder, the signer's journal and the log in memory may be thrown away by ``restart``.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.custody.journal import Journal
from app.custody.keys import Keyring
from app.custody.policy import Policy
from app.custody.signer import Signer
from app.link.connection import NodeConnection
from app.link.deposits import ChainKeys, custody_keys
from app.link.follower import ChainLink
from app.link.reconcile import Reconciliation, reconcile
from app.link.settings import LinkSettings
from app.link.setup import ensure_staking_proxy
from chain.node import Node
from ledger.codec import Batch
from ledger.engine.api import Answer
from ledger.engine.layout import NO_NETUID, CommandKind, Flag, Records, Stage
from ledger.engine.machine import Engine
from ledger.engine.records import body_digest, client_id, command, request
from ledger.engine.views import Views
from ledger.log.memory import MemoryLog
from ledger.log.recovery import recover
from ledger.sequencer import Sequencer
from tests.support.chain_node import running_node
from tests.support.link_chain import NETUID, TAO, VALIDATOR, Person
from tests.support.link_wire_tap import WireTap, wire_tap

KEYRING = Keyring(bytes(range(32)))
HOT, TRADING = custody_keys(KEYRING)
WAIT_S = 30.0


@dataclass
class Exchange:
    """The parts of one running exchange; ``operator`` sends one command, ``settle_down`` waits for the link."""

    node: Node
    tap: WireTap
    """Between link and node."""
    folder: Path
    settings: LinkSettings
    log: MemoryLog = field(default_factory=MemoryLog)
    batches: list[Batch] = field(default_factory=list)
    fatal: list[BaseException] = field(default_factory=list)
    direct: NodeConnection | None = None

    async def start(self) -> None:
        """Recover an engine and a replica from the log, and start sequencer and link."""
        head = await self.log.open()
        self.engine, self.replica = Engine(), Engine()
        await recover(self.log, self.engine, head)
        await recover(self.log, self.replica, head)
        self.views = Views(self.replica)
        self.sequencer = Sequencer(
            engine=self.engine,
            log=self.log,
            head=head,
            clock=lambda: time.time_ns() // 1_000_000,
            on_fatal=self.fatal.append,
        )
        self.sequencer.subscribe(self._publish)
        self.sequencer.start()
        self.signer = Signer(
            keyring=KEYRING,
            policy=Policy(hot=HOT.public, trading=TRADING.public),
            journal=Journal(self.folder / "journal"),
            genesis_hash=self.node.genesis_hash,
            clock_ms=lambda: time.time_ns() // 1_000_000,
        )
        self.keys = ChainKeys(self.views, self.sequencer.submit, KEYRING)
        self.link = ChainLink.of(self.settings, self.views, self.sequencer.submit, self.signer)

    async def stop(self) -> None:
        """End link and sequencer; the log stays."""
        await self.link.stop()
        await self.sequencer.stop()
        self.signer.journal.close()
        assert not self.fatal

    async def restart(self) -> None:
        """Begin again from the log, like a new process."""
        await self.stop()
        await self.start()
        self.link.start()

    def _publish(self, batch: Batch) -> None:
        self.replica.evolve(batch.ts_ms, batch.events, batch.payloads)
        self.batches.append(batch)
        self.link.observe(batch)

    async def operator(self, kind: CommandKind, *, payload: bytes = b"", **meanings: Any) -> Answer:
        """Submit one command, which must be accepted."""
        flags = int(meanings.pop("flags", 0))
        record = command(kind, flags=flags, **meanings)
        record["payload"] = 1 if payload else 0
        record["id_hi"], record["id_lo"] = client_id(f"{kind.name}/{len(self.batches)}/{payload.hex()}")
        record["digest"] = body_digest(payload)
        answer = await self.sequencer.submit(request(record, payloads=[payload] if payload else []))
        assert answer.code == 0, (kind, answer.code, answer.value, answer.bound)
        return answer

    async def aim(self, target: int) -> None:
        """Set the alpha that the house wants to hold, rao; a difference becomes a settlement."""
        await self.operator(
            CommandKind.SET_MARKET,
            netuid=NETUID,
            target=target,
            min_settle=10_000_000,
            k_ppm=500_000,
            taker_ppm=2_600,
            maker_ppm=1_600,
            tolerance_ppm=10_000,
            backed=1,
        )

    async def open_account(self, name: str) -> tuple[int, bytes]:
        """Open a customer account; return its number and the public key of its deposit address."""
        account = (await self.operator(CommandKind.OPEN_ACCOUNT, payload=name.encode())).reference
        await self.keys.assign_deposit_key(account)
        view = self.views.account(account)
        assert view is not None
        return account, self.views.keys()[view.deposit_key - 1].public

    async def withdraw(self, account: int, recipient: bytes, amount: int, netuid: int | None = None) -> int:
        """Add an address and ask for a withdrawal to it; return the job id."""
        flags, asset = (0, NO_NETUID) if netuid is None else (Flag.ALPHA, netuid)
        body = b'{"name":"address %d","public":"%s"}' % (len(self.batches), recipient.hex().encode())
        added = await self.operator(CommandKind.ADD_ADDRESS, account=account, netuid=asset, flags=flags, payload=body)
        held = await self.operator(
            CommandKind.REQUEST_WITHDRAWAL,
            account=account,
            netuid=asset,
            flags=flags,
            amount=amount,
            max_fee=-1,
            address_id=added.reference,
        )
        return held.reference

    async def seal(self, count: int = 1) -> None:
        """Seal blocks, each imported and acted on before the next."""
        for _ in range(count):
            await self.node.seal()
            await self.settle_down()

    async def settle_down(self) -> None:
        """Wait until the link has imported the node's head and acted on it."""
        await self.until(lambda: self.link.status.acted >= self.node.height or bool(self.link.status.refused))

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for a condition, a limited time."""
        async with asyncio.timeout(WAIT_S):
            while not reached():
                assert not self.fatal
                await asyncio.sleep(0.002)

    def events(self, kind: int) -> list[Records]:
        """Return all published events of a kind."""
        return [event for batch in self.batches for event in batch.events if int(event["kind"]) == kind]

    def free(self, account: int, netuid: int | None = None) -> int:
        """Return a customer's free balance, rao."""
        return self.views.balance(account, 0 if netuid is None else netuid + 1).free

    async def reconcile(self) -> Reconciliation:
        """Hold all of custody against the chain, over a connection of its own."""
        if self.direct is None:
            self.direct = await NodeConnection(self.node.url).__aenter__()
        return await reconcile(self.direct, self.views)


@asynccontextmanager
async def running_exchange(folder: Path, **settings: Any) -> AsyncIterator[Exchange]:
    """Run an exchange: keys funded, staking proxy set, subnet 1 listed, the first head imported."""
    async with running_node(folder / "chain", seal="manual") as node, wire_tap(node.url) as tap:
        chosen = {"block_interval_ms": 2_000, "silent_at_least_s": WAIT_S, "backoff_min_s": 0.01, **settings}
        exchange = Exchange(node, tap, folder, LinkSettings(url=tap.url, **chosen))
        await exchange.start()
        alice = Person(node, "//Alice")
        alice.pay(HOT.public, 2_000 * TAO)
        alice.pay(TRADING.public, 10 * TAO)
        alice.pay_alpha(HOT.public, 10_000 * TAO)
        await node.seal()
        async with NodeConnection(node.url) as connection:
            setting = asyncio.create_task(ensure_staking_proxy(connection, exchange.signer, HOT, TRADING, poll_s=0.01))
            await exchange.until(lambda: setting.done() or bool(node.pending()))
            await node.seal()
            assert await setting
        await exchange.keys.ensure_custody()
        await exchange.operator(CommandKind.ADD_HOTKEY, hotkey=1, payload=VALIDATOR)
        await exchange.operator(
            CommandKind.LIST_MARKET, netuid=NETUID, stage=Stage.ONLINE, hotkey=1, registered_at=0, payload=b"{}"
        )
        await exchange.aim(10_000 * TAO)
        exchange.link.start()
        try:
            await exchange.settle_down()
            yield exchange
        finally:
            await exchange.stop()
            if exchange.direct is not None:
                await exchange.direct.close()
