"""Fee tiers: what an account traded in the last 30 days, and the share of a market's fees that it pays for that.

Volume is counted in TAO per day of log time, in whole units of 0.001 TAO: the running day and the 29 before it.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.fixed_point import mul_div_floor
from amm.kernel_cache import kernel
from ledger.engine.layout import MAX_AMOUNT, EventKind
from ledger.engine.parameters import DAY_MS
from ledger.engine.rules import answer, append, reject
from ledger.engine.state import Row, State, int64
from ledger.engine.tables import TIERS, VOLUME_DAYS, VOLUME_UNIT
from ledger.errors import Refusal

PPM = 1_000_000

DAYS = 30

_UNITS_MAX = 2**31 - 1
"""Most that one day's column holds, units: 2.1 million TAO; more counts as this much."""


@kernel
def tiers_set(state: State) -> int:
    """Return how many tiers are set, from tier 0 on without a gap; a set tier 0 has a taker share."""
    if state.tiers[0]["taker_share"] == 0:
        return 0
    count = 1
    while count < TIERS and state.tiers[count]["volume"] != 0:
        count += 1
    return count


@kernel
def volume_of(state: State, account: int, ts: int) -> int:
    """Return what an account traded on the day of ``ts`` (ms) and on the 29 days before it, rao of TAO.

    Rounded down per trade, so that a tier is never reached early.
    """
    row = state.volumes[account - 1]
    newest = int64(row[VOLUME_DAYS])
    units = 0
    for day in range(max(ts // DAY_MS - DAYS + 1, 0), newest + 1):
        units += int64(row[day % VOLUME_DAYS])
    return units * VOLUME_UNIT


@kernel
def tier_of(state: State, account: int, ts: int) -> int:
    """Return the highest tier whose volume an account has reached at a time (ms); 0 where none is set."""
    tier = tiers_set(state) - 1
    if tier <= 0:
        return 0
    volume = volume_of(state, account, ts)
    while state.tiers[tier]["volume"] > volume:
        tier -= 1
    return tier


@kernel
def fee_ppm(state: State, market: Row, account: int) -> tuple[int, int]:
    """Return ``(taker, maker)`` trading fees of an account in a market at the time of the batch, ppm.

    A tier's share is rounded down, for the customer; no maker pays more than it would as taker. Without tiers the
    market's fees hold for everybody.
    """
    taker, maker = market["taker_ppm"], market["maker_ppm"]
    if state.tiers[0]["taker_share"] != 0:
        tier = state.tiers[tier_of(state, account, state.run[0]["ts"])]
        taker = mul_div_floor(taker, tier["taker_share"], PPM)
        maker = mul_div_floor(maker, tier["maker_share"], PPM)
    return taker, min(taker, maker)


@kernel
def decide_tier(state: State, command: Row) -> None:
    """Set a tier, or add the next one; volumes ascend, tier 0 holds from volume 0.

    Refuses: TIER_OUT_OF_RANGE (the number; the volume against its neighbours; the shares: up to the whole fee, the
    maker's at most the taker's, and in tier 0 the taker's not 0).
    """
    tier, volume = command["code"], command["tao"]
    count = tiers_set(state)
    if tier > min(count, TIERS - 1):
        return reject(state, command, Refusal.TIER_OUT_OF_RANGE.value, tier, min(count, TIERS - 1))
    if tier == 0 and volume != 0:
        return reject(state, command, Refusal.TIER_OUT_OF_RANGE.value, volume, 0)
    if tier > 0:
        below = state.tiers[tier - 1]["volume"]
        above = state.tiers[tier + 1]["volume"] if tier + 1 < count else MAX_AMOUNT + 1
        if not below < volume < above:
            return reject(state, command, Refusal.TIER_OUT_OF_RANGE.value, volume, below)
    least = 1 if tier == 0 else 0
    if not least <= command["aux"] <= PPM:
        return reject(state, command, Refusal.TIER_OUT_OF_RANGE.value, command["aux"], PPM)
    if not 0 <= command["limit"] <= command["aux"]:
        return reject(state, command, Refusal.TIER_OUT_OF_RANGE.value, command["limit"], command["aux"])
    event = append(state, EventKind.TIER_SET.value)
    event["code"] = tier
    event["tao"] = volume
    event["aux"] = command["aux"]
    event["limit"] = command["limit"]
    return answer(state, event, command)


@kernel
def apply_tier(state: State, event: Row) -> None:
    """Take over the figures of a tier."""
    tier = state.tiers[event["code"]]
    tier["volume"] = event["tao"]
    tier["taker_share"] = event["aux"]
    tier["maker_share"] = event["limit"]


@kernel
def note_volume(state: State, account: int, tao: int) -> None:
    """Add a trade to an account's volume of the day of the batch; days without trades between are emptied."""
    row = state.volumes[account - 1]
    today = state.run[0]["ts"] // DAY_MS
    newest = int64(row[VOLUME_DAYS])
    if today > newest:
        for day in range(max(newest + 1, today - VOLUME_DAYS + 1), today + 1):
            row[day % VOLUME_DAYS] = 0
        row[VOLUME_DAYS] = today
    column = today % VOLUME_DAYS
    row[column] = min(int64(row[column]) + tao // VOLUME_UNIT, _UNITS_MAX)


@kernel
def apply_volume(state: State, event: Row) -> None:
    """Count a trade for each customer who took part in it: ``FILLED``, ``CROSSED`` or ``QUOTE_TAKEN``."""
    note_volume(state, int64(event["account"]), event["tao"])
    if event["kind"] == EventKind.CROSSED.value:
        note_volume(state, int64(event["other"]), event["tao"])
