"""Hand-made finalised blocks and jobs for the link's tests: keys by name, events by name, amounts in rao."""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from app.custody.scale import compact
from app.link.blocks import (
    ACCOUNT,
    EVENT_FIELDS,
    AccountRead,
    BlockEvent,
    BlockExtrinsic,
    FinalisedBlock,
    PoolRead,
    Position,
)
from app.link.keybook import KeyBook, Listed, OurKey
from app.link.wire import extrinsic_hash
from ledger.engine.api import Request
from ledger.engine.layout import CommandKind, JobState, KeyRole, Records
from ledger.engine.records import COMMAND_NAMES
from ledger.engine.views import AddressView, ItemView, SettlementJob, SweepJob, WithdrawalJob

NETUID = 1
RAO = 10**9


def public(name: str) -> bytes:
    """Return the made-up account of a name."""
    return blake2b(name.encode(), digest_size=32).digest()


HOT, TRADING, ALICE, BOB, STRANGER = map(public, ("hot", "trading", "alice", "bob", "stranger"))
IDLE, OTHER_HOTKEY, POT = map(public, ("idle hotkey", "other hotkey", "pot"))
HOT_KEY, TRADING_KEY, ALICE_KEY, BOB_KEY = 1, 2, 3, 4
IDLE_HOTKEY = 1


def make_book() -> KeyBook:
    """Return a book with a hot, a trading and two deposit keys, one hotkey and subnet 1 listed."""
    book = KeyBook()
    book.add_key(OurKey(number=HOT_KEY, role=KeyRole.HOT, account=0, public=HOT))
    book.add_key(OurKey(number=TRADING_KEY, role=KeyRole.TRADING, account=0, public=TRADING))
    book.add_key(OurKey(number=ALICE_KEY, role=KeyRole.DEPOSIT, account=1, public=ALICE))
    book.add_key(OurKey(number=BOB_KEY, role=KeyRole.DEPOSIT, account=2, public=BOB))
    book.add_hotkey(IDLE_HOTKEY, IDLE)
    book.add_listed(Listed(netuid=NETUID, hotkey=IDLE_HOTKEY))
    book.positions.add((HOT_KEY, IDLE_HOTKEY, NETUID))
    return book


def signed_bytes(signer: bytes, nonce: int, mark: str = "") -> bytes:
    """Return bytes with the outer shape of a signed extrinsic; ``mark`` makes them differ."""
    body = b"\x84\x00" + signer + b"\x00" + bytes(64) + b"\x65\x00" + compact(nonce) + b"\x00\x00" + mark.encode()
    return compact(len(body)) + body


def settlement(
    *items: ItemView, nonce: int = 5, birth: int = 90, period: int = 16, signed: bool = True
) -> SettlementJob:
    """Return a settlement job, signed by the trading key."""
    return SettlementJob(
        job_id=1000,
        state=JobState.SIGNED if signed else JobState.REQUESTED,
        requested_at=birth,
        key=TRADING_KEY if signed else 0,
        nonce=nonce,
        birth=birth,
        period=period,
        signed=signed_bytes(TRADING, nonce) if signed else b"",
        items=items,
    )


def item(*, number: int = 0, netuid: int = NETUID, sell: bool = False, amount: int = RAO) -> ItemView:
    """Return one item of a settlement."""
    return ItemView(
        item=number,
        netuid=netuid,
        sell=sell,
        amount=amount,
        limit=RAO,
        house_part=amount,
        hotkey=IDLE_HOTKEY,
        done=False,
    )


def withdrawal(
    *, job_id: int = 2000, netuid: int | None = None, amount: int = RAO, nonce: int = 7, birth: int = 90
) -> WithdrawalJob:
    """Return a withdrawal of TAO or alpha to the stranger's account, signed by the hot key."""
    address = AddressView(
        address_id=1,
        account=1,
        netuid=netuid,
        usable_from_ms=0,
        hotkey=0,
        body=b'{"name":"mine","public":"' + STRANGER.hex().encode() + b'"}',
    )
    return WithdrawalJob(
        job_id=job_id,
        state=JobState.SIGNED,
        requested_at=90,
        key=HOT_KEY,
        nonce=nonce,
        birth=birth,
        period=64,
        signed=signed_bytes(HOT, nonce),
        account=1,
        netuid=netuid,
        hotkey=0 if netuid is None else IDLE_HOTKEY,
        amount=amount,
        fee=0,
        address=address,
    )


def sweep(*, netuid: int | None = None, amount: int = RAO, nonce: int = 0) -> SweepJob:
    """Return a sweep of Alice's deposit key."""
    return SweepJob(
        job_id=3000,
        state=JobState.SIGNED,
        requested_at=90,
        key=ALICE_KEY,
        nonce=nonce,
        birth=90,
        period=64,
        signed=signed_bytes(ALICE, nonce),
        deposit_key=ALICE_KEY,
        netuid=netuid,
        hotkey=0 if netuid is None else IDLE_HOTKEY,
        amount=amount,
    )


@dataclass
class BlockMaker:
    """Collects extrinsics, events and state of one block."""

    number: int = 100
    extrinsics: list[BlockExtrinsic] = field(default_factory=list)
    events: list[BlockEvent] = field(default_factory=list)
    pools: dict[int, PoolRead] = field(default_factory=dict)
    accounts: dict[bytes, AccountRead] = field(default_factory=dict)
    accounts_before: dict[bytes, AccountRead] = field(default_factory=dict)
    stakes: dict[Position, int] = field(default_factory=dict)
    stakes_before: dict[Position, int] = field(default_factory=dict)
    used_nonces: dict[tuple[bytes, int], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pools.setdefault(NETUID, make_pool())

    def sign(self, data: bytes, signer: bytes, nonce: int) -> int:
        """Add an extrinsic and return its index."""
        index = len(self.extrinsics) + 1
        self.extrinsics.append(BlockExtrinsic(index=index, signer=signer, nonce=nonce, hash=extrinsic_hash(data)))
        return index

    def sign_job(self, job: SettlementJob | WithdrawalJob | SweepJob, signer: bytes) -> int:
        """Add a job's extrinsic and return its index."""
        return self.sign(job.signed, signer, job.nonce)

    def event(self, pallet: str, name: str, *values: Any, extrinsic: int | None = None) -> int:
        """Add an event with its values in their order and return its index."""
        layout = EVENT_FIELDS.get((pallet, name), ())
        fields = {field: value for (field, _), value in zip(layout, values, strict=True)}
        assert all(isinstance(fields[name], bytes) for name, kind in layout if kind == ACCOUNT)
        index = len(self.events)
        self.events.append(BlockEvent(index=index, extrinsic=extrinsic, pallet=pallet, name=name, fields=fields))
        return index

    def transfer(self, sender: bytes, receiver: bytes, amount: int, extrinsic: int | None = None) -> int:
        """Add a ``Balances.Transfer``."""
        return self.event("Balances", "Transfer", sender, receiver, amount, extrinsic=extrinsic)

    def fee(self, who: bytes, amount: int, extrinsic: int) -> int:
        """Add a ``TransactionFeePaid``."""
        return self.event("TransactionPayment", "TransactionFeePaid", who, amount, 0, extrinsic=extrinsic)

    def stake(self, position: Position, before: int, after: int) -> None:
        """Set a position's stake at the parent and at the block."""
        self.stakes_before[position] = before
        self.stakes[position] = after

    def account(self, who: bytes, free: int, *, reserved: int = 0, nonce: int = 0) -> None:
        """Set an account's state at the block."""
        self.accounts[who] = AccountRead(free=free, reserved=reserved, nonce=nonce)

    def block(self) -> FinalisedBlock:
        """Return the block."""
        return FinalisedBlock(
            number=self.number,
            hash=public(f"block {self.number}"),
            parent=public(f"block {self.number - 1}"),
            ts_ms=1_000 * self.number,
            spec_version=424,
            extrinsics=tuple(self.extrinsics),
            events=tuple(self.events),
            pools=self.pools,
            accounts=self.accounts,
            accounts_before=self.accounts_before,
            stakes=self.stakes,
            stakes_before=self.stakes_before,
            used_nonces=self.used_nonces,
        )


def make_pool(*, epoch_ran: bool = False, closed: bool = False) -> PoolRead:
    """Return the pool of the worked examples."""
    return PoolRead(
        tao=20_000 * RAO,
        alpha=600_000 * RAO,
        weight=5 * 10**17,
        fee_rate=33,
        closed=closed,
        epoch_ran=epoch_ran,
    )


def told(request: Request) -> list[tuple[str, dict[str, int]]]:
    """Return a request's commands as (name, fields that are not 0, by their meanings and with flags)."""
    return [(CommandKind(int(r["kind"])).name, _fields(r)) for r in request.commands]


def _fields(record: Records) -> dict[str, int]:
    kind = CommandKind(int(record["kind"]))
    fields = {name: int(record[physical]) for name, physical in COMMAND_NAMES[kind].items()}
    fields["flags"] = int(record["flags"])
    return {name: value for name, value in fields.items() if value}
