"""How often who may ask: counters that grow by calls and decay by time, and the lockout (``kraken_api`` section 17).

Pure: the clock comes in with the call, in milliseconds. Tables are bounded; the entry touched longest ago goes first.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

TABLE_MAX: Final = 100_000
LOCKOUT_FAILURES: Final = 20
LOCKOUT_MS: Final = 15 * 60 * 1_000
# Counters are kept in thousandths, so that a decay of 0.33 a second is exact per millisecond.
SCALE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Rate:
    """A counter's maximum and its decay, in thousandths and thousandths per second."""

    maximum: int
    decay: int


@dataclass(frozen=True, slots=True)
class Tier:
    """What one class of keys may do: REST counter, engine counter per pair, open orders per pair."""

    rest: Rate
    engine: Rate
    open_orders: int


STARTER: Final = Tier(Rate(15_000, 330), Rate(60_000, 1_000), 60)
INTERMEDIATE: Final = Tier(Rate(20_000, 500), Rate(125_000, 2_340), 80)
PRO: Final = Tier(Rate(20_000, 1_000), Rate(180_000, 3_750), 225)
TIERS: Final = {"starter": STARTER, "intermediate": INTERMEDIATE, "pro": PRO}
PUBLIC: Final = Rate(20_000, 1_000)
CONNECTIONS: Final = Rate(150_000, 250)

# Cost of a cancel by the age of the order, seconds below which it applies (thousandths).
_CANCEL_COST: Final = ((5, 8_000), (10, 6_000), (15, 5_000), (45, 4_000), (90, 2_000), (300, 1_000))
_AMEND_COST: Final = ((5, 4_000), (10, 3_000), (15, 2_000))
_EDIT_COST: Final = ((5, 7_000), (10, 6_000), (15, 5_000), (45, 3_000), (90, 2_000))
ADD_COST: Final = 1_000


def cancel_cost(age_ms: int) -> int:
    """Return what a cancel of an order of this age costs, thousandths."""
    return next((cost for below_s, cost in _CANCEL_COST if age_ms < below_s * 1_000), 0)


def amend_cost(age_ms: int) -> int:
    """Return what an amendment of an order of this age costs, its fixed part included, thousandths."""
    return next((cost for below_s, cost in _AMEND_COST if age_ms < below_s * 1_000), ADD_COST)


def edit_cost(age_ms: int) -> int:
    """Return what replacing an order of this age costs, its fixed part included, thousandths."""
    return next((cost for below_s, cost in _EDIT_COST if age_ms < below_s * 1_000), ADD_COST)


class Counters:
    """One counter per key of a kind, all with their own rate."""

    def __init__(self, *, table_max: int = TABLE_MAX) -> None:
        self._table: OrderedDict[Hashable, tuple[int, int]] = OrderedDict()
        self._table_max = table_max

    def __len__(self) -> int:
        return len(self._table)

    def take(self, key: Hashable, rate: Rate, cost: int, now_ms: int) -> bool:
        """Add a cost in thousandths and tell whether the counter stays within its maximum; a refused call adds none."""
        level, since = self._table.get(key, (0, now_ms))
        level = max(level - rate.decay * max(now_ms - since, 0) // 1_000, 0)
        allowed = level + cost <= rate.maximum
        self._table[key] = (level + cost if allowed else level, now_ms)
        self._table.move_to_end(key)
        while len(self._table) > self._table_max:
            self._table.popitem(last=False)
        return allowed


class Lockout:
    """Counts failures in a row by address; too many lock further unknown keys from there out for a while.

    Known keys are served all the while: one address may be shared by many customers.
    """

    def __init__(
        self, *, failures: int = LOCKOUT_FAILURES, lock_ms: int = LOCKOUT_MS, table_max: int = TABLE_MAX
    ) -> None:
        self._failures = failures
        self._lock_ms = lock_ms
        self._table_max = table_max
        self._table: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def is_locked(self, address: str, now_ms: int) -> bool:
        """Tell whether an address is locked now."""
        count, since = self._table.get(address, (0, 0))
        return count >= self._failures and now_ms < since + self._lock_ms

    def failed(self, address: str, now_ms: int) -> None:
        """Count one failure."""
        count, since = self._table.get(address, (0, now_ms))
        if count >= self._failures and now_ms >= since + self._lock_ms:
            count = 0
        self._table[address] = (count + 1, now_ms)
        self._table.move_to_end(address)
        while len(self._table) > self._table_max:
            self._table.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        self._table.pop(address, None)


class Limits:
    """All counters of one gateway; ``enabled = False`` lets everything through (test keys, load tests)."""

    def __init__(self, tier: Tier = PRO, *, enabled: bool = True) -> None:
        self.tier = tier
        self.enabled = enabled
        self.lockout = Lockout()
        self._rest = Counters()
        self._engine = Counters()
        self._public = Counters()
        self._connections = Counters()

    def rest_call(self, api_key: str, cost: int, now_ms: int) -> bool:
        """Count a private call, cost in whole points."""
        return not self.enabled or self._rest.take(api_key, self.tier.rest, cost * SCALE, now_ms)

    def public_call(self, address: str, now_ms: int) -> bool:
        """Count a public call of an address."""
        return not self.enabled or self._public.take(address, PUBLIC, SCALE, now_ms)

    def engine_call(self, account: int, netuid: int, cost: int, now_ms: int) -> bool:
        """Count an order action of an account on a pair, cost in thousandths."""
        return not self.enabled or self._engine.take((account, netuid), self.tier.engine, cost, now_ms)

    def open_order(self, count: int) -> bool:
        """Tell whether an account that has so many open orders on a pair may have one more."""
        return not self.enabled or count < self.tier.open_orders

    def connection(self, address: str, now_ms: int) -> bool:
        """Count a new socket of an address."""
        return not self.enabled or self._connections.take(address, CONNECTIONS, SCALE, now_ms)
