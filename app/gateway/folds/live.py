"""Live orders: read from the engine's own rows, with the little beside them that it does not keep.

Beside: when each was opened, its client's own id, and what it cost as its owner sees it. All of it goes when the order
closes, so memory follows the number of live orders.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from app.gateway.folds.orders import STOPS, Order
from app.projections.orders import client_text
from ledger.engine.layout import Flag, OrderState, Records, Trait
from ledger.engine.slab import find_order
from ledger.engine.tables import BY_ACCOUNT, ORDER
from ledger.engine.views import Views

_LIMIT: Final = int(Flag.LIMIT)
_NOT_ORDERS: Final = frozenset({int(OrderState.QUOTE), int(OrderState.GUARD)})
_S: Final = 1_000
_INT32: Final = 2**31
_NETUID_BITS: Final = 16


class Slot(NamedTuple):
    """One row of the engine's slab of orders; fields as in ``ledger/engine/tables.py``."""

    order_id: int
    account: int
    market: int
    flags: int
    traits: int
    state: int
    limit: int
    trigger: int
    slippage_ppm: int
    amount: int
    total: int
    alpha: int
    tao: int
    fee: int
    held: int
    taker_ppm: int
    maker_ppm: int
    expires: int
    flight: int
    cancel: int
    priority: int
    shelf: int
    userref: int


if Slot._fields != ORDER.names:
    raise TypeError("slots must have the fields of ORDER, in their order")


class LiveOrders:
    """The read model of the orders that live, of all accounts."""

    def __init__(self, reads: Views) -> None:
        self._reads = reads
        # Twice the ms of opening, plus 1 for orders with a limit price: one integer for all orders of a batch.
        self._opened: dict[int, int] = {}
        self._texts: dict[int, str] = {}
        self._named: dict[tuple[int, str], int] = {}
        self._costs: dict[int, int] = {}
        self._counts: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._opened)

    def restore(self, rows: Iterable[tuple[int, int, int, int, int, str, int]]) -> None:
        """Take over orders that live: ``(order_id, account, netuid, flags, opened_ms, cl_ord_id, cost)``."""
        for order_id, account, netuid, flags, opened_ms, text, cost in rows:
            pair = _pair(account, netuid)
            self._counts[pair] = self._counts.get(pair, 0) + 1
            self._opened[order_id] = 2 * opened_ms + bool(flags & _LIMIT)
            if text:
                self._name(order_id, account, text)
            if cost:
                self._costs[order_id] = cost

    def accepted(self, events: Records, payloads: Sequence[bytes], ts_ms: int) -> None:
        """Take over the orders of ``ORDER_ACCEPTED`` events."""
        at = (2 * ts_ms, 2 * ts_ms + 1)
        limits = ((events["flags"] & _LIMIT) != 0).tolist()
        self._opened.update(zip(events["order_id"].tolist(), [at[limit] for limit in limits], strict=True))
        counts = self._counts
        for pair in _pairs(events):
            counts[pair] = counts.get(pair, 0) + 1
        named = events["payload"] != 0
        if named.any():
            chosen = events[named]
            columns = (chosen[name].tolist() for name in ("order_id", "account", "payload"))
            for order_id, account, payload in zip(*columns, strict=True):
                self._name(order_id, account, client_text(payloads[payload - 1]))

    def traded(self, order_id: int, cost: int) -> None:
        """Add to what an order cost, or brought, rao of TAO."""
        if order_id in self._opened:
            self._costs[order_id] = self._costs.get(order_id, 0) + cost

    def closed(self, events: Records) -> None:
        """Forget the orders of ``ORDER_CLOSED`` events."""
        opened, texts, costs, counts = self._opened, self._texts, self._costs, self._counts
        columns = (events["order_id"].tolist(), events["account"].tolist(), _pairs(events))
        for order_id, account, pair in zip(*columns, strict=True):
            if opened.pop(order_id, None) is None:
                continue
            left = counts.pop(pair, 1) - 1
            if left:
                counts[pair] = left
            costs.pop(order_id, None)
            text = texts.pop(order_id, "")
            if text and self._named.get((account, text)) == order_id:
                del self._named[account, text]

    def is_limit(self, order_id: int) -> bool:
        """Tell whether a live order has a limit price; False for one that is not known."""
        return bool(self._opened.get(order_id, 0) & 1)

    def of_id(self, seq: int) -> Order | None:
        """Return a live order of any account."""
        state = self._reads.engine.state
        slot = int(find_order(state, seq))
        return self._order(Slot._make(state.orders.item(slot))) if slot >= 0 else None

    def find(self, account: int, seq: int) -> Order | None:
        """Return a live order of this account."""
        order = self.of_id(seq)
        return order if order is not None and order.account == account else None

    def find_client_id(self, account: int, cl_ord_id: str) -> Order | None:
        """Return the newest live order of this account with a client id."""
        seq = self._named.get((account, cl_ord_id))
        return self.find(account, seq) if seq is not None else None

    def open_of(self, account: int) -> list[Order]:
        """Return the live orders of an account, newest first."""
        orders = self._reads.engine.state.orders
        found = (self._order(Slot._make(orders.item(slot))) for slot in self._slots(account))
        return sorted((order for order in found if order is not None), key=lambda order: -order.seq)

    def count_open(self, account: int, netuid: int) -> int:
        """Return how many live orders an account has on a pair."""
        return self._counts.get(_pair(account, netuid), 0)

    def _slots(self, account: int) -> Iterator[int]:
        """Yield the slots of an account's orders, quotes and guard."""
        state = self._reads.engine.state
        if not 1 <= account <= int(state.scalars[0]["accounts"]):
            return
        following = state.links["next"]
        at: int = state.customers["first"].item(account - 1)
        while at:
            yield at - 1
            at = following.item(3 * (at - 1) + BY_ACCOUNT)

    def _order(self, slot: Slot) -> Order | None:
        if slot.state in _NOT_ORDERS:
            return None
        flags, traits, state = Flag(slot.flags), Trait(slot.traits), OrderState(slot.state)
        in_quote = Flag.IN_QUOTE in flags
        netuid: Any = self._reads.engine.state.markets["netuid"].item(slot.market)
        return Order(
            seq=slot.order_id,
            account=slot.account,
            netuid=netuid,
            flags=flags,
            volume=0 if in_quote else slot.amount,
            quote=slot.total if in_quote else 0,
            limit=slot.limit,
            slippage_ppm=slot.slippage_ppm,
            userref=slot.userref - 2 * _INT32 if slot.userref >= _INT32 else slot.userref,
            cl_ord_id=self._texts.get(slot.order_id, ""),
            opened_ms=self._opened.get(slot.order_id, 0) // 2,
            traits=traits,
            trigger=slot.trigger,
            expires_s=slot.expires // _S,
            taker_ppm=slot.taker_ppm,
            maker_ppm=slot.maker_ppm,
            state=state,
            is_triggered=bool(traits & STOPS) and state is not OrderState.ARMED,
            is_cancelling=slot.cancel != 0,
            executed=slot.alpha,
            cost=self._costs.get(slot.order_id, 0),
            fee=slot.fee,
        )

    def _name(self, order_id: int, account: int, text: str) -> None:
        self._texts[order_id] = text
        self._named[account, text] = order_id


def _pair(account: int, netuid: int) -> int:
    return account << _NETUID_BITS | netuid


def _pairs(events: Records) -> list[int]:
    """Return account and netuid of each event as one number."""
    pairs: list[int] = ((events["account"].astype("i8") << _NETUID_BITS) | events["netuid"]).tolist()
    return pairs
