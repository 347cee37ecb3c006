"""Headers and blocks: their one byte form, their hash, and how a client is shown a header."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chain.consensus.encoding import Reader, encode_bytes
from chain.consensus.messages import Commit
from chain.errors import DecodeError
from chain.hashing import HASH_BYTES, ZERO_HASH, blake2b_256
from chain.merkle import EMPTY_LIST_ROOT, compute_list_root
from chain.scale.compact import encode_compact

if TYPE_CHECKING:
    from collections.abc import Sequence

EMPTY_HASH = EMPTY_LIST_ROOT
"""``H("")``: the commit before height 1, and the root of an empty list."""

MAX_BLOCK_BYTES = 2 * 1024 * 1024
MAX_EXTRINSIC_BYTES = 64 * 1024
MAX_EXTRINSICS = 20_000

CONSENSUS_INFO_BYTES = 237
CONSENSUS_INFO_VERSION = 1
_PRE_RUNTIME = 6
_SLOT_ENGINE, _BFT_ENGINE = b"aura", b"BFTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsensusInfo:
    """What consensus adds to a header: time in milliseconds, who built it and when, and six commitments.

    ``round`` and ``proposer`` are those of the round in which the block was first built.
    """

    time_ms: int
    round: int
    proposer: bytes
    last_commit_hash: bytes
    event_root: bytes
    evidence_root: bytes
    validators_hash: bytes
    next_validators_hash: bytes
    params_hash: bytes

    def encode(self) -> bytes:
        """Return the 237 bytes of the second log."""
        return b"".join(
            (
                CONSENSUS_INFO_VERSION.to_bytes(1, "little"),
                self.time_ms.to_bytes(8, "little"),
                self.round.to_bytes(4, "little"),
                self.proposer,
                self.last_commit_hash,
                self.event_root,
                self.evidence_root,
                self.validators_hash,
                self.next_validators_hash,
                self.params_hash,
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> "ConsensusInfo":
        """Read the 237 bytes; raises ``DecodeError`` for another length or version."""
        reader = Reader(data)
        if reader.unsigned(1) != CONSENSUS_INFO_VERSION:
            raise reader.malformed("unknown version of the consensus information")
        info = cls(
            time_ms=reader.unsigned(8),
            round=reader.unsigned(4),
            proposer=reader.take(HASH_BYTES),
            last_commit_hash=reader.take(HASH_BYTES),
            event_root=reader.take(HASH_BYTES),
            evidence_root=reader.take(HASH_BYTES),
            validators_hash=reader.take(HASH_BYTES),
            next_validators_hash=reader.take(HASH_BYTES),
            params_hash=reader.take(HASH_BYTES),
        )
        reader.finish()
        return info


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a block's hash covers; ``logs`` are the encoded digest items, none for number 0 and two for all others."""

    parent: bytes
    number: int
    state_root: bytes
    extrinsics_root: bytes
    logs: tuple[bytes, ...] = ()

    @classmethod
    def build(
        cls, *, parent: bytes, number: int, state_root: bytes, extrinsics_root: bytes, slot: int, info: ConsensusInfo
    ) -> "Header":
        """Return a header with exactly the two logs that every block after genesis has."""
        logs = (
            _encode_log(_SLOT_ENGINE, slot.to_bytes(8, "little")),
            _encode_log(_BFT_ENGINE, info.encode()),
        )
        return cls(parent=parent, number=number, state_root=state_root, extrinsics_root=extrinsics_root, logs=logs)

    @classmethod
    def genesis(cls, state_root: bytes) -> "Header":
        """Return header 0: no parent, no extrinsics, no logs, so that it commits to the first state alone."""
        return cls(parent=ZERO_HASH, number=0, state_root=state_root, extrinsics_root=EMPTY_LIST_ROOT)

    def encode(self) -> bytes:
        """Return the bytes that are hashed."""
        return b"".join(
            (
                self.parent,
                encode_compact(self.number),
                self.state_root,
                self.extrinsics_root,
                encode_compact(len(self.logs)),
                *self.logs,
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> "Header":
        """Read a header of this chain; raises ``DecodeError`` where logs are missing, extra or out of order."""
        reader = Reader(data)
        header = cls.read(reader)
        reader.finish()
        return header

    @classmethod
    def read(cls, reader: Reader) -> "Header":
        """Read a header that may be followed by something else."""
        parent = reader.take(HASH_BYTES)
        number = reader.compact((1 << 64) - 1)
        state_root, extrinsics_root = reader.take(HASH_BYTES), reader.take(HASH_BYTES)
        count = reader.compact(2)
        if count != (2 if number else 0):
            raise reader.malformed(f"header {number} with {count} logs")
        logs = tuple(
            _read_log(reader, engine, length)
            for engine, length in ((_SLOT_ENGINE, 8), (_BFT_ENGINE, CONSENSUS_INFO_BYTES))[:count]
        )
        header = cls(parent=parent, number=number, state_root=state_root, extrinsics_root=extrinsics_root, logs=logs)
        if count:
            ConsensusInfo.decode(logs[1][-CONSENSUS_INFO_BYTES:])
        return header

    @property
    def hash(self) -> bytes:
        """The block's hash: what votes name and what clients see."""
        return blake2b_256(self.encode())

    @property
    def slot(self) -> int:
        """``time_ms / max(block_interval_ms, 1)`` as written in the first log; 0 for genesis."""
        return int.from_bytes(self.logs[0][-8:], "little") if self.logs else 0

    @property
    def info(self) -> ConsensusInfo | None:
        """The consensus information, which only genesis lacks."""
        return ConsensusInfo.decode(self.logs[1][-CONSENSUS_INFO_BYTES:]) if self.logs else None

    @property
    def time_ms(self) -> int:
        """Block time in milliseconds since 1970; 0 for genesis, whose time is an entry of its state."""
        info = self.info
        return info.time_ms if info else 0

    def to_rpc(self) -> dict[str, Any]:
        """Return the header object of the JSON interface."""
        return {
            "parentHash": "0x" + self.parent.hex(),
            "number": hex(self.number),
            "stateRoot": "0x" + self.state_root.hex(),
            "extrinsicsRoot": "0x" + self.extrinsics_root.hex(),
            "digest": {"logs": ["0x" + log.hex() for log in self.logs]},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A header, what it commits to, and the proof that its parent is final.

    ``extrinsics`` are full bytes with their length prefix; ``evidence`` are encoded evidence items;
    ``last_commit`` is absent for heights 0 and 1, because genesis needs no votes.
    """

    header: Header
    extrinsics: tuple[bytes, ...]
    evidence: tuple[bytes, ...] = ()
    last_commit: Commit | None = None

    def encode(self) -> bytes:
        """Return header, extrinsics, evidence and, from height 2 on, the commit of the parent."""
        return b"".join(
            (
                self.header.encode(),
                encode_compact(len(self.extrinsics)),
                *map(encode_bytes, self.extrinsics),
                encode_compact(len(self.evidence)),
                *map(encode_bytes, self.evidence),
                self.last_commit.encode() if self.last_commit else b"",
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> "Block":
        """Read a block; raises ``DecodeError`` for anything that ``encode`` would not have written."""
        if len(data) > MAX_BLOCK_BYTES:
            raise DecodeError("too_large", 0, f"a block of {len(data)} bytes")
        reader = Reader(data)
        header = Header.read(reader)
        extrinsics = tuple(reader.bytes(MAX_EXTRINSIC_BYTES) for _ in range(reader.compact(MAX_EXTRINSICS)))
        evidence = tuple(reader.bytes(MAX_EXTRINSIC_BYTES) for _ in range(reader.compact(MAX_EXTRINSICS)))
        last_commit = Commit.read(reader) if header.number > 1 else None
        reader.finish()
        return cls(header=header, extrinsics=extrinsics, evidence=evidence, last_commit=last_commit)

    @property
    def hash(self) -> bytes:
        """The header's hash."""
        return self.header.hash

    @property
    def number(self) -> int:
        """The block's height."""
        return self.header.number


def hash_commit(commit: Commit | None) -> bytes:
    """Return what the next header says of ``commit``; without one, before height 1, it is ``H("")``."""
    return blake2b_256(commit.encode()) if commit else EMPTY_HASH


def compute_extrinsics_root(extrinsics: "Sequence[bytes]") -> bytes:
    """Return the list root over full extrinsic bytes, each with its length prefix."""
    return compute_list_root(extrinsics)


def compute_slot(time_ms: int, block_interval_ms: int) -> int:
    """Return the slot of a block time, both in milliseconds; with instant seal every millisecond is one."""
    return time_ms // max(block_interval_ms, 1)


def _encode_log(engine: bytes, data: bytes) -> bytes:
    return bytes([_PRE_RUNTIME]) + engine + encode_bytes(data)


def _read_log(reader: Reader, engine: bytes, length: int) -> bytes:
    if reader.unsigned(1) != _PRE_RUNTIME or reader.take(4) != engine:
        raise reader.malformed(f"expected the log {engine.decode()}")
    data = reader.bytes(length)
    if len(data) != length:
        raise reader.malformed(f"log {engine.decode()} of {len(data)} bytes")
    return _encode_log(engine, data)
