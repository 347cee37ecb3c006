"""What a gateway is made of; ``bootstrap`` builds the real parts, tests build small ones of the same kinds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from app.gateway.auth import Authenticator, Tokens
from app.gateway.limits import Limits
from app.gateway.nonces import NonceStore
from app.gateway.replica import Replica
from app.gateway.vault import Vault
from app.projections.reads import HistoryReads
from app.settings import GatewaySettings
from app.times import wall_clock_ms
from ledger.engine.api import Answer, Block, BlockAnswer, Request

__all__ = ["Parts", "Submitter", "wall_clock_ms"]


class Submitter(Protocol):
    """The sequencer as the gateway uses it."""

    async def submit(self, request: Request) -> Answer:
        """Return the answer once its batch is durable."""

    def enqueue_block(self, block: Block) -> asyncio.Future[BlockAnswer]:
        """Queue a block, whole or not at all, in the order of these calls; return where its answer will appear."""


@dataclass(slots=True, kw_only=True)
class Parts:
    """Everything ``create_app`` needs.

    ``assign_deposit_key(account)`` returns the SS58 address deposits of an account go to, always the same one.
    ``name`` tells this gateway from others of the same exchange.
    """

    replica: Replica
    history: HistoryReads
    sequencer: Submitter
    vault: Vault
    nonces: NonceStore
    limits: Limits
    assign_deposit_key: Callable[[int], Awaitable[str]]
    settings: GatewaySettings = field(default_factory=GatewaySettings)
    now_ms: Callable[[], int] = wall_clock_ms
    is_ready: Callable[[], bool] = lambda: True
    tokens: Tokens = field(default_factory=Tokens)
    more_metrics: Callable[[], bytes] = bytes
    name: str = ""

    @property
    def authenticator(self) -> Authenticator:
        """Return the checks of a private call over these parts."""
        return Authenticator(self.replica, self.vault, self.nonces, self.limits)
