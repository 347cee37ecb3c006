"""What the supervisor tells a part at its start: one line of JSON on stdin, since it names secrets.

The line is followed by nothing for as long as the supervisor lives: its end is how a part learns that nobody is there.
"""

from pathlib import Path
from typing import Any

import msgspec

from app.serve.sockets import ENGINE, SIGNER
from ledger.log.snapshot_writer import SnapshotSettings

MASTER_KEY = "api.master"
"""File of the key that seals API secrets and socket tokens; all gateways have it."""


class ChainOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The node, and how the link follows it; ``genesis``: 32 bytes in hex, by which the signer knows its chain."""

    url: str
    block_ms: int
    anchor_every: int
    genesis: str


class SnapshotOrder(msgspec.Struct, frozen=True, kw_only=True):
    """``SnapshotSettings``."""

    every_events: int
    every_s: float
    keep: int

    def settings(self) -> SnapshotSettings:
        """Return the schedule."""
        return SnapshotSettings(every_events=self.every_events, every_s=self.every_s, keep=self.keep)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """All that any part needs; ``gateway``: fields of ``GatewaySettings``."""

    name: str
    data_dir: str
    database_url: str
    socket_dir: str
    chain: ChainOrder
    snapshots: SnapshotOrder
    gateway: dict[str, Any]
    passphrase: str | None = None
    log_level: str = "info"

    @property
    def folder(self) -> Path:
        """Return the data folder."""
        return Path(self.data_dir)

    @property
    def engine_socket(self) -> Path:
        """Return where the engine listens."""
        return Path(self.socket_dir) / ENGINE

    @property
    def signer_socket(self) -> Path:
        """Return where the signer listens."""
        return Path(self.socket_dir) / SIGNER


def encode_order(order: Order) -> bytes:
    """Return the line for stdin."""
    return msgspec.json.encode(order) + b"\n"


def decode_order(line: bytes) -> Order:
    """Return the order of a line; raises ``msgspec.MsgspecError``."""
    return msgspec.json.decode(line, type=Order)
