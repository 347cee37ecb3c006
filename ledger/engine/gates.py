"""Whether instant mode of a market is open, at the time of a batch (``execution`` section 5)."""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from ledger.engine.layout import Gate, Stage
from ledger.engine.listing import Verb, stage_allows
from ledger.engine.parameters import MIN_RESERVE, STALE_AFTER_MS
from ledger.engine.state import Row, State
from ledger.errors import Refusal

_POOL = Gate.WEIGHT.value | Gate.CLOSED.value | Gate.RESERVE.value | Gate.MIRROR.value

_INTERVAL_MAX = 2**60
"""More than any age of a head, ms; what a chain tells of its time must not leave the type."""


@kernel
def stale_after_ms(interval: int) -> int:
    """Return the age at which a head is too old to price by, ms: 3 s, or 2.5 block intervals if that is more."""
    return max(STALE_AFTER_MS, min(interval, _INTERVAL_MAX) * 5 // 2)


@kernel
def gates_at(state: State, market: Row, ts: int) -> int:
    """Return all gates that close instant mode of a market at a time, 0 when it is open."""
    scalars = state.scalars[0]
    gates = market["gates"]
    if market["mirror_tao"] <= 0 or market["mirror_alpha"] <= 0:
        gates |= Gate.MIRROR.value
    if scalars["instant_halted"] or market["instant_halted"]:
        gates |= Gate.HALTED.value
    if scalars["head"] == 0 or ts - scalars["imported"] > stale_after_ms(scalars["interval"]):
        gates |= Gate.STALE.value
    if market["stage"] < Stage.POST_ONLY.value or not stage_allows(market["stage"], Verb.SELL.value):
        gates |= Gate.STAGE.value
    return gates


@kernel
def gate_reason(gates: int) -> int:
    """Return the refusal code that tells of the first of some gates, 0 for none."""
    if gates & Gate.HALTED.value:
        return Refusal.INSTANT_HALTED.value
    if gates & Gate.SPEC.value:
        return Refusal.SPEC_UNKNOWN.value
    if gates & Gate.STALE.value:
        return Refusal.HEAD_STALE.value
    if gates & Gate.JUMP.value:
        return Refusal.JUMP_GATE.value
    if gates & _POOL:
        return Refusal.POOL_CLOSED.value
    if gates & Gate.FUNDING.value:
        return Refusal.NOT_FUNDED.value
    if gates & Gate.STAGE.value:
        return Refusal.MARKET_STAGE.value
    return 0


@kernel
def is_tradable(state: State, market: Row) -> bool:
    """Tell whether the chain would take a swap in the market's pool."""
    return (
        market["pool_height"] == state.scalars[0]["head"]
        and market["closed"] == 0
        and market["head_tao"] >= MIN_RESERVE
        and market["head_alpha"] >= MIN_RESERVE
        and market["stage"] < Stage.DELISTING.value
    )
