"""A small but real exchange for tests of the doors: engine, sequencer, log in memory, replica and a served gateway.

Two customers, one market, funded through heads made by hand; the clock stands still until a test moves it.
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from app.gateway.auth import TRADER, Permission, sign
from app.gateway.limits import Limits
from app.gateway.main import create_app, create_server, listening_port
from app.gateway.nonces import MemoryNonces, NonceStore
from app.gateway.parts import Parts
from app.gateway.replica import Replica
from app.gateway.vault import NewKey, Vault
from app.settings import GatewaySettings
from chain.ss58 import ss58_encode
from ledger.engine.api import Answer
from ledger.engine.layout import NO_NETUID, CommandKind, Flag, KeyRole, Records, Stage
from ledger.engine.machine import Engine
from ledger.engine.parameters import SPEC_VERSIONS
from ledger.engine.records import command, hash_words, head_group, request
from ledger.engine.views import Views
from ledger.log.memory import MemoryLog
from ledger.sequencer import INBOX_REQUESTS, Sequencer
from tests.support.kept_history import KeptHistory

TAO = 10**9
START_MS = 1_763_776_800_000
BLOCK_MS = 12_000
ALICE, BOB = 1, 2
HOT, TRADING, ALICE_KEY, BOB_KEY = 1, 2, 3, 4
NETUID = 1
POOL_TAO, POOL_ALPHA, WEIGHT, FEE_RATE = 100_000 * TAO, 5_000_000 * TAO, 5 * 10**17, 33
TAKER_PPM, MAKER_PPM = 2_600, 1_600
FIRST_DEPOSITS = {ALICE: (1_000 * TAO, 500 * TAO), BOB: (10 * TAO, 0)}


class Clock:
    """Milliseconds that pass only when told to."""

    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


def block_hash(number: int) -> bytes:
    return hashlib.blake2b(b"block %d" % number, digest_size=32).digest()


def public_key(number: int) -> bytes:
    return hashlib.blake2b(b"key %d" % number, digest_size=32).digest()


@dataclass
class SmallExchange:
    """The parts, and what a test does to them besides speaking to the doors."""

    clock: Clock
    log: MemoryLog
    sequencer: Sequencer
    engine: Engine
    replica: Replica
    parts: Parts
    keys: dict[int, NewKey] = field(default_factory=dict)
    height: int = 0
    rest: str = ""

    async def submit(self, record: Records, *payloads: bytes) -> Answer:
        """Submit a command that must be accepted."""
        answer = await self.sequencer.submit(request(record, payloads=payloads))
        assert answer.code == 0, answer
        return answer

    async def add_key(self, account: int, permissions: Permission = TRADER, *, window: int = 0) -> NewKey:
        """Give an account an API key."""
        fresh = self.parts.vault.new_key("test")
        record = command(CommandKind.ADD_API_KEY, account=account, aux=int(permissions), nonce_window=window, payload=1)
        await self.submit(record, fresh.payload)
        return fresh

    async def set_up(self) -> None:
        """Open accounts, list the market, import a first head with what the house owns, and deposits in a second."""
        for name in (b"alice", b"bob"):
            await self.submit(command(CommandKind.OPEN_ACCOUNT, payload=1), name)
        for account in (ALICE, BOB):
            self.keys[account] = await self.add_key(account)
        roles = ((HOT, KeyRole.HOT, 0), (TRADING, KeyRole.TRADING, 0))
        deposit_roles = ((ALICE_KEY, KeyRole.DEPOSIT, ALICE), (BOB_KEY, KeyRole.DEPOSIT, BOB))
        for number, role, account in (*roles, *deposit_roles):
            record = command(CommandKind.ADD_CHAIN_KEY, key=number, role=role, account=account, payload=1)
            await self.submit(record, public_key(number))
        await self.submit(command(CommandKind.ADD_HOTKEY, hotkey=1, payload=1), public_key(100))
        await self.submit(
            command(CommandKind.LIST_MARKET, netuid=NETUID, stage=Stage.ONLINE, hotkey=1, registered_at=7, payload=1),
            b'{"name": "apex"}',
        )
        await self.submit(
            command(
                CommandKind.SET_MARKET,
                netuid=NETUID,
                target=200_000 * TAO,
                min_settle=10_000_000,
                k_ppm=500_000,
                taker_ppm=TAKER_PPM,
                tolerance_ppm=10_000,
                maker_ppm=MAKER_PPM,
                backed=1,
            )
        )
        await self.import_head(
            tail=[
                command(CommandKind.ACCOUNT_SEEN, key=HOT, free=10_000 * TAO),
                command(CommandKind.STAKE_SEEN, key=HOT, hotkey=1, netuid=NETUID, stake=200_000 * TAO),
            ]
        )
        await self.import_head(deposits=FIRST_DEPOSITS)

    async def import_head(
        self,
        *,
        deposits: Mapping[int, tuple[int, int]] | None = None,
        pool: tuple[int, int] = (POOL_TAO, POOL_ALPHA),
        weight: int = WEIGHT,
        tail: list[Records] | None = None,
    ) -> Answer:
        """Import the next head; ``deposits``: account -> (TAO, alpha)."""
        self.height += 1
        self.clock.now_ms += BLOCK_MS
        begin = command(
            CommandKind.HEAD_BEGIN,
            number=self.height,
            spec_version=SPEC_VERSIONS[0],
            block_ts=START_MS + self.height * BLOCK_MS,
            **hash_words(block_hash(self.height)),
            **hash_words(block_hash(self.height - 1), "parent"),
        )
        records = [begin]
        for account, (tao, alpha) in (deposits or {}).items():
            key = {ALICE: ALICE_KEY, BOB: BOB_KEY}[account]
            index = 10 * account
            if tao:
                records.append(
                    command(CommandKind.DEPOSIT_SEEN, key=key, netuid=NO_NETUID, amount=tao, event_index=index)
                )
            if alpha:
                records.append(
                    command(
                        CommandKind.DEPOSIT_SEEN,
                        flags=int(Flag.ALPHA),
                        key=key,
                        netuid=NETUID,
                        hotkey=1,
                        amount=alpha,
                        event_index=index + 1,
                    )
                )
        records.append(
            command(
                CommandKind.POOL_SEEN,
                netuid=NETUID,
                tao_reserve=pool[0],
                alpha_reserve=pool[1],
                weight=weight,
                fee_rate=FEE_RATE,
            )
        )
        answer = await self.sequencer.submit(head_group([*records, *(tail or [])]))
        assert answer.code == 0, answer
        return answer


@dataclass
class Client:
    """One customer at the REST door, signing as the documentation says."""

    http: httpx.AsyncClient
    key: NewKey
    nonce: int = 1_000

    def next_nonce(self) -> str:
        self.nonce += 1
        return str(self.nonce)

    async def private(self, method: str, /, **fields: object) -> dict[str, Any]:
        """Return the whole envelope of a private call."""
        told: dict[str, Any] = (await self.answer(method, **fields)).json()
        return told

    async def answer(self, method: str, /, **fields: object) -> httpx.Response:
        """Return the answer to a private call."""
        body = urlencode({"nonce": self.next_nonce(), **fields}).encode()
        return await self.send_for(f"/0/private/{method}", body, str(self.nonce))

    async def send(
        self, path: str, body: bytes, nonce: str, *, content_type: str = "application/x-www-form-urlencoded"
    ) -> dict[str, Any]:
        """Sign and send a body as it stands; return the envelope."""
        told: dict[str, Any] = (await self.send_for(path, body, nonce, content_type=content_type)).json()
        return told

    async def send_for(
        self, path: str, body: bytes, nonce: str, *, content_type: str = "application/x-www-form-urlencoded"
    ) -> httpx.Response:
        """Sign and send a body as it stands; return the answer."""
        headers = {
            "API-Key": self.key.key,
            "API-Sign": sign(path, nonce, body, base64.b64decode(self.key.secret)),
            "Content-Type": content_type,
        }
        return await self.http.post(path, content=body, headers=headers)

    async def v1(self, verb: str, path: str, body: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """Send a signed call of ``/v1``: over a JSON body for a POST, over its nonce alone for others."""
        nonce = self.next_nonce()
        content = b"" if verb != "POST" else msgspec.json.encode({"nonce": nonce, **(body or {})})
        signed = {
            "API-Key": self.key.key,
            "API-Nonce": nonce,
            "API-Sign": sign(path, nonce, content, base64.b64decode(self.key.secret)),
            "Content-Type": "application/json",
        }
        return await self.http.request(verb, path, content=content, headers=signed | headers)

    async def ok(self, method: str, /, **fields: object) -> Any:
        """Return the result of a private call that must succeed."""
        told = await self.private(method, **fields)
        assert told["error"] == [], told
        return told["result"]

    async def public(self, method: str, /, **fields: object) -> dict[str, Any]:
        """Return the whole envelope of a public call."""
        told: dict[str, Any] = (await self.http.get(f"/0/public/{method}", params=fields)).json()
        return told


async def build(
    *,
    nonces: NonceStore | None = None,
    settings: GatewaySettings | None = None,
    limits: Limits | None = None,
    log: MemoryLog | None = None,
    inbox_requests: int = INBOX_REQUESTS,
) -> SmallExchange:
    """Build an exchange with its parts joined, and set it up."""
    clock, engine, follower = Clock(), Engine(), Engine()
    log = log or MemoryLog()
    head = await log.open()

    def fatal(error: BaseException) -> None:
        raise AssertionError("the sequencer failed") from error

    sequencer = Sequencer(engine=engine, log=log, head=head, clock=clock, on_fatal=fatal, inbox_requests=inbox_requests)
    replica = Replica(follower, Views(follower))
    sequencer.subscribe(replica.apply)
    sequencer.start()

    async def assign_deposit_key(account: int) -> str:
        return ss58_encode(public_key({ALICE: ALICE_KEY, BOB: BOB_KEY}[account]))

    parts = Parts(
        replica=replica,
        history=KeptHistory(log),
        sequencer=sequencer,
        vault=Vault(bytes(range(32))),
        nonces=nonces or MemoryNonces(),
        limits=limits or Limits(enabled=False),
        assign_deposit_key=assign_deposit_key,
        settings=settings or GatewaySettings(port=0, address_cooling_ms=0),
        now_ms=clock,
    )
    exchange = SmallExchange(clock, log, sequencer, engine, replica, parts)
    await exchange.set_up()
    return exchange


@asynccontextmanager
async def serve(exchange: SmallExchange) -> AsyncIterator[str]:
    """Serve the gateway on a free port of the loopback, and yield its base URL."""
    server = create_server(create_app(exchange.parts), exchange.parts.settings)
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), "the server ended"
        await asyncio.sleep(0.005)
    exchange.rest = f"http://127.0.0.1:{listening_port(server)}"
    try:
        yield exchange.rest
    finally:
        server.should_exit = True
        await task
        await exchange.sequencer.stop()
        await exchange.parts.history.close()


def rao(text: str) -> int:
    """Return an amount as clients read it in units of its ninth decimal."""
    return int(Decimal(text) * TAO)


def lots(volume: int) -> str:
    """Return alpha rao as clients write volumes, rounded down to the eighth decimal."""
    return f"{volume // TAO}.{volume % TAO // 10:08d}"


def decode_frame(frame: str | bytes) -> dict[str, Any]:
    """Return a frame of the socket."""
    told: dict[str, Any] = msgspec.json.decode(frame)
    return told
