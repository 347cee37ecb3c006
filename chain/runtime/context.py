"""What a call sees while it runs: the overlay, the block it stands in, who asks, and where events go."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chain.runtime.errors import BAD_ORIGIN, DispatchFailed
from chain.runtime.state import Overlay

Phase = Any
INITIALIZATION: Phase = "Initialization"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks: a signed account, or root as ``None``; ``proxy_types`` limit what may be called on its behalf."""

    account: bytes | None
    proxy_types: tuple[str, ...] = ()

    @property
    def is_root(self) -> bool:
        """Whether this is root."""
        return self.account is None


ROOT = Origin(None)


@dataclass(slots=True, kw_only=True)
class Context:
    """One block in the making."""

    overlay: Overlay
    number: int
    genesis_hash: bytes
    parent_hash: bytes
    time_ms: int
    author: bytes | None
    """The account that gets fees; without one they are destroyed."""
    dispatch: "Callable[[Context, Origin, Any], None]"
    """Runs a nested call in a transaction of its own; raises ``DispatchFailed``."""
    phase: Phase = field(default=INITIALIZATION)
    epochs: list[Any] = field(default_factory=list)
    """An ``EpochRecord`` of each mechanism whose epoch has run in this block; no part of the chain's state."""

    def emit(self, pallet: str, name: str, fields: Any = None) -> None:
        """Record an event: ``fields`` is a dict of named ones, a tuple of unnamed ones, or the only unnamed one."""
        inner = name if fields is None else (name, fields)
        self.overlay.events.append({"phase": self.phase, "event": (pallet, inner), "topics": []})


def signed(origin: Origin) -> bytes:
    """Return the account of a signed origin; raises ``DispatchFailed`` for root."""
    if origin.account is None:
        raise DispatchFailed(BAD_ORIGIN)
    return origin.account


def require_root(origin: Origin) -> None:
    """Raise ``DispatchFailed`` unless root asks."""
    if origin.account is not None:
        raise DispatchFailed(BAD_ORIGIN)


def account_of(address: Any) -> bytes:
    """Return the account of a ``MultiAddress`` value; only its form ``Id`` is known here."""
    kind, value = address if isinstance(address, tuple) else (address, None)
    if kind != "Id":
        raise DispatchFailed("CannotLookup")
    account: bytes = value
    return account
