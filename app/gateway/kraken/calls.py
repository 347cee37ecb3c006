"""What every method of ``/0`` gets: the fields, who asks, the parts; and the way it writes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.gateway.auth import Caller, Permission
from app.gateway.kraken import errors
from app.gateway.kraken.errors import Refused
from app.gateway.kraken.fields import Fields
from app.gateway.kraken.names import Asset, Names, Pair
from app.gateway.parts import Parts
from app.gateway.replica import Behind, Replica
from app.projections.reads import HistoryReads
from ledger.engine.api import Answer
from ledger.engine.layout import Records
from ledger.engine.records import request
from ledger.sequencer import Overloaded, Unavailable

Result = Any
Handler = Callable[["Call"], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Call:
    """One public call; ``now_ms`` is when it arrived."""

    parts: Parts
    fields: Fields
    now_ms: int

    @property
    def replica(self) -> Replica:
        """Return the reads."""
        return self.parts.replica

    @property
    def names(self) -> Names:
        """Return the directory of pairs and assets."""
        return self.parts.replica.names

    def pair(self, text: str) -> Pair:
        """Return the pair a text names, or refuse."""
        pair = self.names.find_pair(text)
        if pair is None:
            raise Refused(errors.UNKNOWN_PAIR, "unknown_pair", name="pair", value=text)
        return pair

    def asset(self, text: str, *, funding: bool = False) -> Asset:
        """Return the asset a text names, or refuse."""
        asset = self.names.find_asset(text)
        if asset is None:
            error = errors.FUNDING_UNKNOWN_ASSET if funding else errors.UNKNOWN_ASSET
            raise Refused(error, "unknown_asset", name="asset", value=text)
        return asset


@dataclass(frozen=True, slots=True)
class PrivateCall(Call):
    """One signed call."""

    caller: Caller

    @property
    def account(self) -> int:
        """Return the account that asks."""
        return self.caller.api_key.account

    async def history(self, *names: str) -> HistoryReads:
        """Return history once these projections show what this account could have seen of itself when it asked.

        Raises ``HistoryUnavailable``.
        """
        await self.parts.history.reached(self.replica.touched(self.account), names)
        return self.parts.history

    async def submit(self, command: Records, payloads: Sequence[bytes] = ()) -> Answer:
        """Return the engine's answer once it is durable and this gateway's reads reflect it.

        Raises ``Refused`` with ``EService:Busy`` or ``EService:Unavailable``; a code in the answer is the caller's to
        tell.
        """
        try:
            answer = await self.parts.sequencer.submit(request(command, payloads=payloads))
            await self.replica.caught_up(int(answer.events["seq"][-1]) if len(answer.events) else answer.reference)
        except Overloaded as error:
            raise Refused(errors.BUSY, "overloaded") from error
        except Unavailable as error:
            raise Refused(errors.UNAVAILABLE, error.code) from error
        except Behind as error:
            raise Refused(errors.UNAVAILABLE, "replica_behind") from error
        return answer


@dataclass(frozen=True, slots=True)
class Method:
    """One method of ``/0/private``: what it does, which right it needs, what it costs of the REST counter."""

    handler: Callable[[PrivateCall], Awaitable[Result]]
    permission: Permission
    cost: int = 1
