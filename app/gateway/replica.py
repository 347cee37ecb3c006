"""The gateway's own copy of the exchange: an engine that evolves published batches only, and the read models beside it.

Start-up and recovery are the same code: batches of the log go through ``apply`` in order, first stored ones, then
published ones. Every read therefore stands at one ``seq``, and an answer to a write waits for its own effect by
``caught_up``.
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from itertools import count
from typing import Final, Protocol

import msgspec

from amm.errors import AmmError
from amm.units import parse_decimal
from app.gateway.auth import ApiKey
from app.gateway.folds.applied import Applied
from app.gateway.folds.candles import Candles
from app.gateway.folds.customers import Customers
from app.gateway.folds.funding import Funding
from app.gateway.folds.heads import Heads
from app.gateway.folds.ledger import Ledger
from app.gateway.folds.matching import Matching
from app.gateway.folds.orders import Orders
from app.gateway.folds.pools import MIRRORED
from app.gateway.folds.rows import Row, payload_of, rows_of
from app.gateway.folds.trades import Market
from app.gateway.kraken.names import ALPHA_DECIMALS, COST_MIN_RAO, ORDER_MIN_RAO, TAO_DECIMALS, Names, Pair
from chain.hashing import blake2b_256
from ledger.engine.api import StateMachine
from ledger.engine.layout import EventKind, Records, Stage
from ledger.engine.views import MarketView, Views

WAITING_MAX: Final = 100_000
CATCH_UP_SECONDS: Final = 10.0


class PublishedBatch(Protocol):
    """What the sequencer publishes and the log stores, as far as a replica reads it."""

    @property
    def ts_ms(self) -> int:
        """Return the time of the batch, ms."""

    @property
    def events(self) -> Records:
        """Return ``EVENT[n]``."""

    @property
    def payloads(self) -> Sequence[bytes]:
        """Return what ``event.payload`` points into, from 1."""


class Behind(Exception):  # noqa: N818 - says what is the matter
    """The replica did not reach a seq in time, or too many wait for it."""


class SeqGap(Exception):  # noqa: N818 - says what is the matter
    """A batch does not continue where the replica stands; reading on would show a state that never was."""


class ListingBody(msgspec.Struct, frozen=True):
    """The payload of ``LIST_MARKET`` as far as the gateway reads it; amounts as decimal strings."""

    name: str = ""
    ordermin: str = ""
    costmin: str = ""


class Replica:
    """State as of ``seq``; ``reads`` are the views of ``engine``, and nobody but ``apply`` changes either."""

    def __init__(self, engine: StateMachine, reads: Views) -> None:
        self._engine = engine
        self.reads = reads
        self.names = Names()
        self.customers = Customers()
        self.funding = Funding()
        self.heads = Heads()
        self.ledger = Ledger()
        self.matching = Matching(self.heads)
        self._versions: dict[int, int] = {}
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._tickets = count()
        self._listeners: list[Callable[[Applied], None]] = []

    @property
    def seq(self) -> int:
        """Return the seq of the last event this replica reflects."""
        return self._engine.seq

    @property
    def ts_ms(self) -> int:
        """Return the time of the last batch, ms."""
        return self._engine.ts_ms

    @property
    def orders(self) -> Orders:
        """Return the orders and fills of all accounts."""
        return self.matching.orders

    def listen(self, callback: Callable[[Applied], None]) -> None:
        """Call back after every batch, in order; callbacks must not block."""
        self._listeners.append(callback)

    def apply(self, batch: PublishedBatch) -> None:
        """Evolve one batch and fold it; a batch known already is left out, a gap raises ``SeqGap``."""
        events = batch.events
        first, last = int(events["seq"][0]), int(events["seq"][-1])
        if last <= self.seq:
            return
        if first != self.seq + 1:
            raise SeqGap(f"batch begins at seq {first}, replica stands at {self.seq}")
        self._engine.evolve(batch.ts_ms, events, batch.payloads)
        applied = Applied(seq=self.seq, ts_ms=batch.ts_ms)
        for row in rows_of(events):
            self.matching.fold(row, batch.payloads, applied)
            self._fold(row, batch.payloads, applied)
            applied.entries += self.ledger.fold(row, batch.ts_ms)
        for netuid in applied.moved:
            self._versions[netuid] = self.seq
        while self._waiting and self._waiting[0][0] <= self.seq:
            answer = heapq.heappop(self._waiting)[2]
            if not answer.done():
                answer.set_result(None)
        for listener in self._listeners:
            listener(applied)

    async def caught_up(self, seq: int, *, timeout_s: float = CATCH_UP_SECONDS) -> None:
        """Return once the replica reflects a seq; raises ``Behind``."""
        if self.seq >= seq:
            return
        if len(self._waiting) >= WAITING_MAX:
            raise Behind
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (seq, next(self._tickets), answer))
        try:
            await asyncio.wait_for(answer, timeout_s)
        except TimeoutError as error:
            raise Behind from error

    def find_key(self, key: str) -> ApiKey | None:
        """Return an API key that is known."""
        return self.customers.find_key(key)

    def market(self, netuid: int, ts_ms: int) -> MarketView | None:
        """Return the engine's view of a market at a time; a gate that time closes shows without a batch."""
        return self.reads.market(netuid, max(ts_ms, self.ts_ms))

    def history(self, netuid: int) -> Market:
        """Return the trades of a listed market."""
        return self.matching.markets[netuid]

    def candles(self, netuid: int) -> Candles:
        """Return the candles of a listed market."""
        return self.matching.candles[netuid]

    def version(self, netuid: int) -> int:
        """Return the seq at which the book or the mirror of a market may have moved last, 0 before the first time."""
        return self._versions.get(netuid, 0)

    def _fold(self, row: Row, payloads: Sequence[bytes], applied: Applied) -> None:
        ts_ms = applied.ts_ms
        match row.kind:
            case EventKind.POOL_UPDATED:
                self.matching.pools.updated(row, self.heads.current)
                if row.amount:
                    self.candles(row.netuid).pool_moved(row.amount, ts_ms)
            case EventKind.HEAD_BEGAN:
                self.heads.began(row)
            case EventKind.HEAD_ENDED:
                self.heads.finished(row)
                self.matching.head_ended()
            case EventKind.RECONCILIATION_BROKEN:
                self.heads.broken(row)
            case EventKind.DEPOSIT_CREDITED | EventKind.DEPOSIT_SUSPENDED:
                self.funding.deposit_seen(row, self.heads.current.hash, ts_ms)
            case EventKind.WITHDRAWAL_HELD:
                self.funding.withdrawal_held(row, ts_ms)
            case EventKind.EXTRINSIC_SIGNED:
                self.funding.extrinsic_signed(row, blake2b_256(payload_of(row, payloads)))
            case EventKind.WITHDRAWAL_BOOKED:
                self.funding.withdrawal_ended(row, paid=True)
            case EventKind.WITHDRAWAL_REFUNDED:
                self.funding.withdrawal_ended(row, paid=False)
            case EventKind.API_KEY_ADDED:
                self.customers.key_added(row, payload_of(row, payloads))
            case EventKind.ADDRESS_ADDED:
                self.customers.address_added(row, payload_of(row, payloads))
            case EventKind.MARKET_LISTED:
                self.names.put(_listed_pair(row, payload_of(row, payloads)))
                self.matching.listed(row.netuid)
                applied.restaged.add(row.netuid)
            case EventKind.STAGE_CHANGED:
                self.names.set_stage(row.netuid, Stage(row.code))
                applied.restaged.add(row.netuid)
        if row.kind in MIRRORED:
            self.matching.pools.mirror_moved(row)


def _listed_pair(row: Row, payload: bytes) -> Pair:
    """Return the pair of a listing; figures that are missing or unreadable take their defaults."""
    try:
        body = msgspec.json.decode(payload, type=ListingBody)
    except msgspec.DecodeError:
        body = ListingBody()
    return Pair(
        netuid=row.netuid,
        registered_at=row.order_id,
        stage=Stage(row.code),
        title=body.name,
        order_min_rao=_amount_or(body.ordermin, ALPHA_DECIMALS, ORDER_MIN_RAO),
        cost_min_rao=_amount_or(body.costmin, TAO_DECIMALS, COST_MIN_RAO),
    )


def _amount_or(text: str, decimals: int, default: int) -> int:
    try:
        return parse_decimal(text, decimals=decimals, smallest=1)
    except AmmError:
        return default
