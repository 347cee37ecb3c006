"""A finalised block as the link needs it: who signed what, what happened, and the state at it and before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Position = tuple[bytes, bytes, int]
"""A stake position: coldkey, hotkey, netuid."""

ACCOUNT = "account"
"""Kind of an event's field that is an account: translated into 32 bytes."""

EVENT_FIELDS: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("Balances", "Transfer"): (("from", ACCOUNT), ("to", ACCOUNT), ("amount", "")),
    ("Balances", "Deposit"): (("who", ACCOUNT), ("amount", "")),
    ("Balances", "Withdraw"): (("who", ACCOUNT), ("amount", "")),
    ("Balances", "Reserved"): (("who", ACCOUNT), ("amount", "")),
    ("Balances", "Unreserved"): (("who", ACCOUNT), ("amount", "")),
    ("Balances", "DustLost"): (("account", ACCOUNT), ("amount", "")),
    ("TransactionPayment", "TransactionFeePaid"): (("who", ACCOUNT), ("actual_fee", ""), ("tip", "")),
    ("SubtensorModule", "TransactionFeePaidWithAlpha"): (
        ("who", ACCOUNT),
        ("netuid", ""),
        ("alpha_fee", ""),
        ("tao_amount", ""),
    ),
    ("SubtensorModule", "StakeAdded"): (
        ("coldkey", ACCOUNT),
        ("hotkey", ACCOUNT),
        ("tao", ""),
        ("alpha", ""),
        ("netuid", ""),
        ("fee", ""),
    ),
    ("SubtensorModule", "StakeRemoved"): (
        ("coldkey", ACCOUNT),
        ("hotkey", ACCOUNT),
        ("tao", ""),
        ("alpha", ""),
        ("netuid", ""),
        ("fee", ""),
    ),
    ("SubtensorModule", "StakeMoved"): (
        ("coldkey", ACCOUNT),
        ("origin_hotkey", ACCOUNT),
        ("origin_netuid", ""),
        ("destination_hotkey", ACCOUNT),
        ("destination_netuid", ""),
        ("tao", ""),
    ),
    ("SubtensorModule", "StakeTransferred"): (
        ("origin_coldkey", ACCOUNT),
        ("destination_coldkey", ACCOUNT),
        ("hotkey", ACCOUNT),
        ("origin_netuid", ""),
        ("destination_netuid", ""),
        ("tao", ""),
    ),
    ("SubtensorModule", "StakeSwapped"): (
        ("coldkey", ACCOUNT),
        ("hotkey", ACCOUNT),
        ("origin_netuid", ""),
        ("destination_netuid", ""),
        ("tao", ""),
    ),
    ("SubtensorModule", "AlphaRecycled"): (("coldkey", ACCOUNT), ("hotkey", ACCOUNT), ("alpha", ""), ("netuid", "")),
    ("SubtensorModule", "AlphaBurned"): (("coldkey", ACCOUNT), ("hotkey", ACCOUNT), ("alpha", ""), ("netuid", "")),
    ("SubtensorModule", "RootClaimed"): (("coldkey", ACCOUNT),),
    ("SubtensorModule", "NetworkRemoved"): (("netuid", ""),),
    ("Proxy", "ProxyExecuted"): (("result", ""),),
    ("Utility", "ItemFailed"): (("error", ""),),
    ("System", "ExtrinsicFailed"): (("dispatch_error", ""), ("dispatch_info", "")),
}
"""Names of the fields of each event that translation reads (``spec/substrate_rpc.md`` section 13)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockExtrinsic:
    """One extrinsic; ``signer`` is ``None`` for a bare one. ``hash`` is blake2b-256 of all its bytes.

    ``remark`` is the text where the call is a short ``System.remark``.
    """

    index: int
    signer: bytes | None
    nonce: int
    hash: bytes
    remark: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEvent:
    """One event; ``index`` is its position in the block, ``extrinsic`` the one that caused it or ``None``.

    ``fields`` are by the names of ``EVENT_FIELDS``, accounts as 32 bytes; empty for events that nobody here reads.
    """

    index: int
    extrinsic: int | None
    pallet: str
    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def is_a(self, pallet: str, name: str) -> bool:
        """Return whether it is this event of this pallet."""
        return self.pallet == pallet and self.name == name


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRead:
    """A subnet's pool: reserves in rao, TAO weight in parts of 10^18, fee rate of 65535."""

    tao: int
    alpha: int
    weight: int
    fee_rate: int
    closed: bool
    """Not tradable on the chain: absent, subtoken off, or another mechanism than 1."""
    epoch_ran: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRead:
    """An account's balances in rao and its next nonce."""

    free: int
    reserved: int
    nonce: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRead:
    """One proxy of an account; ``delay`` in blocks."""

    delegate: bytes
    proxy_type: str
    delay: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """What of the state a block's translation needs besides the pools."""

    accounts: tuple[bytes, ...] = ()
    accounts_before: tuple[bytes, ...] = ()
    """Also at the parent."""
    positions: tuple[Position, ...] = ()
    positions_before: tuple[Position, ...] = ()
    """Those of ``positions`` that are also read at the parent, since something may have moved them."""
    nonces: tuple[tuple[bytes, int, int], ...] = ()
    """Signer, nonce and birth of extrinsics whose era is over: if the nonce is used, by what?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalisedBlock:
    """One finalised block with the state that its translation needs."""

    number: int
    hash: bytes
    parent: bytes
    ts_ms: int
    spec_version: int
    extrinsics: tuple[BlockExtrinsic, ...] = ()
    events: tuple[BlockEvent, ...] = ()
    pools: Mapping[int, PoolRead] = field(default_factory=dict)
    accounts: Mapping[bytes, AccountRead] = field(default_factory=dict)
    accounts_before: Mapping[bytes, AccountRead] = field(default_factory=dict)
    stakes: Mapping[Position, int] = field(default_factory=dict)
    """Alpha rao at the block."""
    stakes_before: Mapping[Position, int] = field(default_factory=dict)
    """Alpha rao at the parent, for those that something in this block may have moved."""
    used_nonces: Mapping[tuple[bytes, int], bytes] = field(default_factory=dict)
    """Signer and nonce -> hash of the extrinsic that used it, for ``Reads.nonces``, as far as they are used."""

    def events_of(self, extrinsic: int) -> tuple[BlockEvent, ...]:
        """Return the events of one extrinsic, in order."""
        return tuple(event for event in self.events if event.extrinsic == extrinsic)

    def named(self, pallet: str, name: str) -> tuple[BlockEvent, ...]:
        """Return all events of one kind, in order."""
        return tuple(event for event in self.events if event.is_a(pallet, name))

    def with_state(
        self,
        *,
        accounts: Mapping[bytes, AccountRead],
        accounts_before: Mapping[bytes, AccountRead],
        stakes: Mapping[Position, int],
        stakes_before: Mapping[Position, int],
        used_nonces: Mapping[tuple[bytes, int], bytes],
    ) -> "FinalisedBlock":
        """Return the block with the state that ``Reads`` asked for."""
        return replace(
            self,
            accounts=accounts,
            accounts_before=accounts_before,
            stakes=stakes,
            stakes_before=stakes_before,
            used_nonces=used_nonces,
        )


def positions_named(event: BlockEvent) -> tuple[Position, ...]:
    """Return the stake positions that an event speaks of, whoever owns them."""
    if event.pallet != "SubtensorModule":
        return ()
    f = event.fields
    if event.name in {"StakeAdded", "StakeRemoved", "AlphaRecycled", "AlphaBurned"}:
        return ((f["coldkey"], f["hotkey"], f["netuid"]),)
    if event.name == "StakeMoved":
        origin = (f["coldkey"], f["origin_hotkey"], f["origin_netuid"])
        return origin, (f["coldkey"], f["destination_hotkey"], f["destination_netuid"])
    if event.name == "StakeTransferred":
        origin = (f["origin_coldkey"], f["hotkey"], f["origin_netuid"])
        return origin, (f["destination_coldkey"], f["hotkey"], f["destination_netuid"])
    if event.name == "StakeSwapped":
        origin = (f["coldkey"], f["hotkey"], f["origin_netuid"])
        return origin, (f["coldkey"], f["hotkey"], f["destination_netuid"])
    return ()
