"""A whole exchange in memory, driven as the link and the gateway drive it: known stories are played on the real engine.

No chain and no sockets: heads are given by whoever tells the story. ``tests/support`` builds on this.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.accounts import account_name
from ledger.engine.api import Answer, Decided, Request
from ledger.engine.layout import (
    NO_NETUID,
    CommandKind,
    Flag,
    Job,
    KeyRole,
    Records,
    Stage,
)
from ledger.engine.machine import Engine
from ledger.engine.parameters import SPEC_VERSIONS
from ledger.engine.records import command, hash_words, head_group, request
from ledger.engine.tables import ASSET_BITS
from ledger.engine.views import Views

HOT, TRADING = 1, 2
HOTKEY = 1
BLOCK_MS = 12_000


@dataclass(frozen=True, slots=True)
class PoolShown:
    """A pool as a head shows it: reserves in rao, weight in parts of 10^18, fee rate of 65 535."""

    tao: int
    alpha: int
    weight: int = 5 * 10**17
    rate: int = 33
    closed: bool = False


def public_key(name: str) -> bytes:
    """Return 32 bytes that stand for a key of this name."""
    return hashlib.blake2b(name.encode(), digest_size=32).digest()


def block_hash(number: int) -> bytes:
    """Return the hash of the only block of this height."""
    return public_key(f"block {number}") if number else bytes(32)


@dataclass(slots=True)
class Exchange:
    """The engine with a clock and a chain head; keeps every batch, as a log would."""

    engine: Engine = field(default_factory=Engine)
    ts_ms: int = 1_700_000_000_000
    height: int = 0
    log: list[tuple[int, Records, tuple[bytes, ...]]] = field(default_factory=list)
    pools: dict[int, PoolShown] = field(default_factory=dict)
    deposits: int = 0

    @property
    def views(self) -> Views:
        """Return the reads of the engine."""
        return Views(self.engine)

    @property
    def events(self) -> list[Any]:
        """Return all events so far."""
        return [event for _, events, _ in self.log for event in events]

    def decide(self, requests: Sequence[Request]) -> Decided:
        """Decide a batch and keep it."""
        decided = self.engine.decide(self.ts_ms, requests)
        if len(decided.events):
            self.log.append((self.ts_ms, decided.events, decided.payloads))
        return decided

    def ask(self, kind: CommandKind, payload: bytes = b"", /, *, flags: int = 0, **meanings: int) -> Answer:
        """Send one command, with its text if it has one, and return its answer."""
        record = command(kind, flags=flags, **meanings)
        if payload:
            record["payload"] = 1
        answer: Answer = self.decide([request(record, payloads=[payload] if payload else [])]).answers[0]
        return answer

    def replay(self) -> Engine:
        """Return another engine that evolved every batch."""
        engine = Engine()
        for ts_ms, events, payloads in self.log:
            engine.evolve(ts_ms, events, payloads)
        return engine

    def set_up(self) -> None:
        """Add the hot key, the trading key and one hotkey."""
        self.ask(CommandKind.ADD_CHAIN_KEY, public_key("hot"), key=HOT, role=KeyRole.HOT)
        self.ask(CommandKind.ADD_CHAIN_KEY, public_key("trading"), key=TRADING, role=KeyRole.TRADING)
        self.ask(CommandKind.ADD_HOTKEY, public_key("hotkey"), hotkey=HOTKEY)

    def list_market(self, netuid: int, pool: PoolShown, stage: Stage = Stage.ONLINE) -> Answer:
        """List a market whose pool every head from now on shows."""
        self.pools[netuid] = pool
        body = b'{"name": "subnet"}'
        return self.ask(CommandKind.LIST_MARKET, body, netuid=netuid, stage=stage, hotkey=HOTKEY, registered_at=1)

    def configure(self, netuid: int, **changes: int) -> Answer:
        """Set the parameters of a market; those not given are the story's."""
        meanings = {
            "target": 20_000 * 10**9,
            "min_settle": 10_000_000,
            "k_ppm": 500_000,
            "taker_ppm": 2_600,
            "maker_ppm": 1_600,
            "tolerance_ppm": 10_000,
            "backed": 1,
        }
        return self.ask(CommandKind.SET_MARKET, netuid=netuid, **(meanings | changes))

    def open_account(self, name: str) -> int:
        """Open an account with a deposit key and return its number."""
        account = self.ask(CommandKind.OPEN_ACCOUNT, name.encode()).reference
        key = len(self.views.keys()) + 1
        self.ask(CommandKind.ADD_CHAIN_KEY, public_key(name), key=key, role=KeyRole.DEPOSIT, account=account)
        return account

    def deposit_key(self, account: int) -> int:
        """Return the number of an account's deposit key."""
        view = self.views.account(account)
        return view.deposit_key if view else 0

    def fund_house(self, netuid: int, *, tao: int = 0, alpha: int = 0) -> list[Records]:
        """Announce house funding and return the records by which a head shows it."""
        records = []
        if tao:
            self.ask(CommandKind.ANNOUNCE_FUNDING, netuid=netuid, amount=tao)
            records.append(self.deposit_record(HOT, tao=tao))
        if alpha:
            self.ask(CommandKind.ANNOUNCE_FUNDING, flags=Flag.ALPHA, netuid=netuid, amount=alpha)
            records.append(self.deposit_record(HOT, netuid=netuid, alpha=alpha))
        return records

    def deposit_record(self, key: int, *, tao: int = 0, netuid: int = NO_NETUID, alpha: int = 0) -> Records:
        """Return the record of something that reached one of our keys."""
        self.deposits += 1
        meanings = {"key": key, "event_index": self.deposits, "netuid": netuid, "amount": tao or alpha}
        if alpha:
            return command(CommandKind.DEPOSIT_SEEN, flags=Flag.ALPHA, hotkey=HOTKEY, **meanings)
        return command(CommandKind.DEPOSIT_SEEN, **meanings)

    def group(
        self, records: Sequence[Records] = (), *, parent: bytes | None = None, spec: int = SPEC_VERSIONS[0]
    ) -> Request:
        """Return the next head's group with these records before the pools, in the order given."""
        number = self.height + 1
        begin = command(
            CommandKind.HEAD_BEGIN,
            number=number,
            spec_version=spec,
            block_ts=self.ts_ms,
            **hash_words(block_hash(self.height) if parent is None else parent, "parent"),
            **hash_words(block_hash(number)),
        )
        before = [record for record in records if record["kind"][0] <= CommandKind.POOL_SEEN]
        after = [record for record in records if record["kind"][0] > CommandKind.POOL_SEEN]
        return head_group([begin, *before, *self.pool_records(), *after])

    def pool_records(self) -> list[Records]:
        """Return what a head shows of all listed pools."""
        return [
            command(
                CommandKind.POOL_SEEN,
                flags=Flag.CLOSED if pool.closed else 0,
                netuid=netuid,
                tao_reserve=pool.tao,
                alpha_reserve=pool.alpha,
                weight=pool.weight,
                fee_rate=pool.rate,
            )
            for netuid, pool in self.pools.items()
        ]

    def head(self, records: Sequence[Records] = (), **changes: Any) -> Answer:
        """Import the next head one block later."""
        self.ts_ms += BLOCK_MS
        answer: Answer = self.decide([self.group(records, **changes)]).answers[0]
        if answer.code == 0:
            self.height += 1
        return answer

    def sign(self, job_id: int, job: Job, key: int, nonce: int, period: int = 8) -> Answer:
        """Accept the signed extrinsic of a job, born at the last head."""
        meanings = {"job_id": job_id, "job": job, "key": key, "nonce": nonce, "birth": self.height, "period": period}
        return self.ask(CommandKind.ACCEPT_SIGNED, b"signed bytes", **meanings)

    def balances(self) -> dict[tuple[str, int], int]:
        """Return every balance that is not zero, by account name and asset."""
        state = self.engine.state
        scalars = state.scalars[0]
        found = {
            (account_name(int(row["code"])), int(row["asset"])): int(row["amount"])
            for row in state.ledger[: scalars["ledger"]]
        }
        for row in state.balances[: scalars["balances"]]:
            account, asset = int(row["key"]) >> ASSET_BITS, int(row["key"]) & ((1 << ASSET_BITS) - 1)
            found[f"c:{account}:free", asset] = int(row["free"])
            found[f"c:{account}:held", asset] = int(row["held"])
        return {place: amount for place, amount in found.items() if amount}
