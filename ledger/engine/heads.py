"""What a finalised head brings beside outcomes and deposits: pools, growth, reconciliation, the new window.

Source: ``execution`` sections 3, 5, 9 and 11. The shell has held the whole group against the state before the first of
these rules runs.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.fixed_point import mul_div_floor
from amm.kernel_cache import kernel
from amm.pool import spot_bits, spot_rao
from amm.shares import jumped
from ledger.engine.balances import account_code, custody_free, custody_reserved, custody_stake, position, post
from ledger.engine.funds import asset_of, post_custody
from ledger.engine.layout import (
    NO_NETUID,
    TAO_ASSET,
    AccountClass,
    EventKind,
    Flag,
    Gate,
    Halt,
    Stage,
)
from ledger.engine.listing import append_halt, market_slot
from ledger.engine.parameters import (
    CALM_HEADS,
    COMMISSION_PPM,
    DAY_MS,
    DRIFT_PER_DAY,
    DRIFT_PER_HEAD,
)
from ledger.engine.pools import head_gates, is_funded, mirror_of, pending_of, window_cap
from ledger.engine.rules import append
from ledger.engine.state import Row, State, find_ledger, int64, ledger_slot

PPM = 1_000_000


@kernel
def decide_begin(state: State, command: Row) -> None:
    """Begin a head."""
    run = state.run[0]
    run["checked"] = 0
    run["differences"] = 0
    event = append(state, EventKind.HEAD_BEGAN.value)
    event["other"] = command["other"]
    event["key"] = command["key"]
    event["aux"] = command["aux"]
    event["id_hi"] = command["id_hi"]
    event["id_lo"] = command["id_lo"]
    event["digest"] = command["digest"]
    event["hold"] = command["hold"]


@kernel
def split_growth(growth: int, claims: int, before: int, ppm: int) -> tuple[int, int, int]:
    """Return ``(customers, commission, house)`` of a position's growth; every rounding goes to the house.

    Customers' claims take part up to the stake that grew; without stake before, all of it is the house's.
    """
    if before <= 0:
        return 0, 0, growth
    part = mul_div_floor(growth, min(claims, before), before)
    commission = mul_div_floor(part, ppm, PPM)
    return part - commission, commission, growth - part


@kernel
def decide_growth(state: State, command: Row) -> None:
    """Share the growth of a stake position at its epoch."""
    totals = state.totals[command["netuid"] + 1]
    claims = (
        totals["customers_free"] + totals["customers_held"] + totals["earn"] + totals["rewards"] + totals["withdrawing"]
    )
    customers, commission, house = split_growth(command["amount"], claims, command["tao"], COMMISSION_PPM)
    event = append(state, EventKind.GROWTH_SHARED.value)
    event["key"] = command["key"]
    event["other"] = command["other"]
    event["netuid"] = command["netuid"]
    event["flags"] = Flag.ALPHA.value
    event["amount"] = customers
    event["fee"] = commission
    event["tao"] = house


@kernel
def decide_pool(state: State, command: Row) -> None:
    """Take over a listed subnet's pool and judge its price against the head before; others are not ours to keep."""
    slot = market_slot(state, command["netuid"])
    if slot < 0:
        return
    market = state.markets[slot]
    tao, alpha, weight = command["tao"], command["amount"], command["limit"]
    event = append(state, EventKind.POOL_UPDATED.value)
    event["netuid"] = command["netuid"]
    event["pool_tao"] = tao
    event["pool_alpha"] = alpha
    event["limit"] = weight
    event["aux"] = command["aux"]
    event["flags"] = command["flags"] & (Flag.CLOSED.value | Flag.EPOCH.value)
    event["amount"] = spot_rao(tao, alpha, weight)
    if market["pool_height"] != 0:
        old_high, old_low = spot_bits(market["head_tao"], market["head_alpha"], market["weight"])
        high, low = spot_bits(tao, alpha, weight)
        if jumped(old_high, old_low, high, low, market["k_ppm"]):
            event["code"] = 1


@kernel
def break_reconciliation(state: State, command: Row, flags: int, difference: int, halts: int) -> None:
    """Book an unexplained difference to suspense; with ``halts``, halt withdrawals of the asset and trades on it."""
    state.run[0]["differences"] += 1
    alpha = flags & Flag.ALPHA.value
    event = append(state, EventKind.RECONCILIATION_BROKEN.value)
    event["key"] = command["key"]
    event["other"] = command["other"]
    event["netuid"] = command["netuid"] if alpha else NO_NETUID
    event["flags"] = flags
    event["amount"] = difference
    netuid = NO_NETUID
    halted = state.scalars[0]["withdrawals_halted"] and state.scalars[0]["instant_halted"]
    if alpha:
        netuid = command["netuid"]
        slot = market_slot(state, netuid)
        if slot < 0:
            return
        halted = state.markets[slot]["withdrawals_halted"] and state.markets[slot]["instant_halted"]
    if halts and not halted:
        append_halt(state, netuid, Halt.WITHDRAWALS.value | Halt.INSTANT.value)


@kernel
def compare(state: State, command: Row, flags: int, seen: int, known: int, halts: int) -> bool:
    """Hold one balance against the chain and tell whether it broke; what the first head shows is the house's."""
    state.run[0]["checked"] += 1
    difference = seen - known
    if difference == 0:
        return False
    scalars = state.scalars[0]
    if difference > 0 and scalars["head"] == scalars["first_head"]:
        event = append(state, EventKind.HOUSE_FUNDED.value)
        event["key"] = command["key"]
        event["other"] = command["other"]
        event["netuid"] = command["netuid"] if flags & Flag.ALPHA.value else NO_NETUID
        event["flags"] = flags | Flag.FIRST.value
        event["amount"] = difference
        return False
    break_reconciliation(state, command, flags, difference, halts)
    return True


@kernel
def decide_account_seen(state: State, command: Row) -> None:
    """Hold the free and the reserved balance of one of our keys against the chain; nothing is tolerated."""
    key = command["key"]
    broken = compare(state, command, 0, command["amount"], custody_free(state, key), 1)
    compare(state, command, Flag.CLOSED.value, command["tao"], custody_reserved(state, key), 0 if broken else 1)


@kernel
def decide_stake_seen(state: State, command: Row) -> None:
    """Hold a stake position against the chain; a few rao a day are the rounding of the chain's share pools."""
    key, hotkey, netuid = command["key"], command["other"], command["netuid"]
    difference = command["amount"] - custody_stake(state, key, hotkey, netuid)
    code = account_code(AccountClass.CUSTODY_STAKE.value, key, hotkey)
    slot = find_ledger(state, code, netuid + 1)
    if difference != 0 and slot >= 0 and abs(difference) <= DRIFT_PER_HEAD:
        row = state.ledger[slot]
        today = state.scalars[0]["block_ts"] // DAY_MS
        spent = row["drift"] if row["drift_day"] == today else 0
        if spent + abs(difference) <= DRIFT_PER_DAY:
            state.run[0]["checked"] += 1
            event = append(state, EventKind.STAKE_DRIFTED.value)
            event["key"] = key
            event["other"] = hotkey
            event["netuid"] = netuid
            event["flags"] = Flag.ALPHA.value
            event["amount"] = difference
            return
    compare(state, command, Flag.ALPHA.value, command["amount"], command["amount"] - difference, 1)


@kernel
def decide_windows(state: State) -> None:
    """Open a new window in every market, whatever its stage: cap, mirror, need, and the gates until the next head."""
    caps = 0
    slot = state.scalars[0]["first_market"] - 1
    while slot >= 0:
        market = state.markets[slot]
        if market["pool_height"] != 0 and market["stage"] == Stage.ONLINE.value:
            caps += window_cap(market)
        slot = market["next"] - 1
    slot = state.scalars[0]["first_market"] - 1
    while slot >= 0:
        market = state.markets[slot]
        if market["pool_height"] != 0:
            cap = window_cap(market)
            held = position(state, market["netuid"])
            need = market["target"] - held
            tao, alpha = mirror_of(market, pending_of(market, held))
            gates = head_gates(state, market)
            if alpha == 0:
                gates |= Gate.MIRROR.value
            if not is_funded(market, cap, caps, state.totals[TAO_ASSET]["house"]):
                gates |= Gate.FUNDING.value
            event = append(state, EventKind.WINDOW_OPENED.value)
            event["netuid"] = market["netuid"]
            event["limit"] = cap
            event["pool_tao"] = tao
            event["pool_alpha"] = alpha
            event["amount"] = need
            event["aux"] = gates
        slot = market["next"] - 1


@kernel
def decide_end(state: State) -> None:
    """End a head: how much was compared with the chain, and how much differed."""
    run = state.run[0]
    scalars = state.scalars[0]
    event = append(state, EventKind.HEAD_ENDED.value)
    event["other"] = scalars["head"]
    event["aux"] = run["differences"]
    event["amount"] = run["checked"]
    event["id_hi"] = scalars["hash_0"]
    event["id_lo"] = scalars["hash_1"]
    event["digest"] = scalars["hash_2"]
    event["hold"] = scalars["hash_3"]


@kernel
def decide_refused(state: State, command: Row) -> None:
    """Note that a head group was refused whole, and halt money movement."""
    event = append(state, EventKind.HEAD_REFUSED.value)
    event["code"] = command["code"]
    event["other"] = command["other"]
    event["amount"] = command["amount"]
    event["limit"] = command["limit"]
    append_halt(state, NO_NETUID, Halt.MONEY.value)
    run = state.run[0]
    run["code"] = command["code"]
    run["value"] = command["amount"]
    run["bound"] = command["limit"]


@kernel
def apply_head(state: State, event: Row) -> None:
    """Apply an event of this file."""
    kind = event["kind"]
    scalars = state.scalars[0]
    if kind == EventKind.HEAD_BEGAN.value:
        scalars["interval"] = event["aux"] - scalars["block_ts"] if scalars["head"] != 0 else 0
        scalars["head"] = event["other"]
        scalars["spec"] = event["key"]
        scalars["block_ts"] = event["aux"]
        scalars["imported"] = state.run[0]["ts"]
        scalars["hash_0"] = event["id_hi"]
        scalars["hash_1"] = event["id_lo"]
        scalars["hash_2"] = event["digest"]
        scalars["hash_3"] = event["hold"]
        if scalars["first_head"] == 0:
            scalars["first_head"] = event["other"]
    elif kind == EventKind.POOL_UPDATED.value:
        apply_pool(state, event)
    elif kind == EventKind.WINDOW_OPENED.value:
        apply_window(state, event)
    elif kind == EventKind.CUT_ADVANCED.value:
        market = state.markets[market_slot(state, int64(event["netuid"]))]
        market["final_cut"] = event["amount"]
        market["open_cut"] = event["tao"]


@kernel
def apply_difference(state: State, event: Row) -> None:
    """Apply growth, drift, or an unexplained difference to custody and its counterpart."""
    kind = event["kind"]
    key = int64(event["key"])
    hotkey = int64(event["other"])
    netuid = int64(event["netuid"])
    asset = asset_of(event)
    amount = event["amount"]
    if kind == EventKind.GROWTH_SHARED.value:
        post_custody(state, key, hotkey, asset, 0, -(amount + event["fee"] + event["tao"]))
        post(state, AccountClass.REWARDS_IDLE.value, netuid, 0, asset, amount)
        post(state, AccountClass.HOUSE_EARN.value, 0, 0, asset, event["fee"])
        post(state, AccountClass.HOUSE_TRADING.value, netuid, 0, asset, event["tao"])
    elif kind == EventKind.STAKE_DRIFTED.value:
        post_custody(state, key, hotkey, asset, 0, -amount)
        post(state, AccountClass.HOUSE_ROUNDING.value, 0, 0, asset, amount)
        row = state.ledger[ledger_slot(state, account_code(AccountClass.CUSTODY_STAKE.value, key, hotkey), asset)]
        today = state.scalars[0]["block_ts"] // DAY_MS
        if row["drift_day"] != today:
            row["drift_day"] = today
            row["drift"] = 0
        row["drift"] += abs(amount)
    else:
        reserved = int64(event["flags"]) & Flag.CLOSED.value
        post_custody(state, key, hotkey, asset, reserved, -amount)
        post(state, AccountClass.SUSPENSE.value, 0, 0, asset, amount)


@kernel
def apply_pool(state: State, event: Row) -> None:
    """Take over a head pool; a jump keeps the pool before it as the base of settlement limits."""
    market = state.markets[market_slot(state, int64(event["netuid"]))]
    if event["code"] != 0:
        if market["calm"] == 0:
            market["base_tao"] = market["head_tao"]
            market["base_alpha"] = market["head_alpha"]
            market["base_weight"] = market["weight"]
        market["calm"] = CALM_HEADS
    elif market["calm"] > 0:
        market["calm"] -= 1
    market["head_tao"] = event["pool_tao"]
    market["head_alpha"] = event["pool_alpha"]
    market["weight"] = event["limit"]
    market["rate"] = event["aux"]
    market["closed"] = 1 if event["flags"] & Flag.CLOSED.value else 0
    market["spot"] = event["amount"]
    market["spot_4"] = market["spot_3"]
    market["spot_3"] = market["spot_2"]
    market["spot_2"] = market["spot_1"]
    market["spot_1"] = market["spot_0"]
    market["spot_0"] = event["amount"]
    market["spots"] = min(market["spots"] + 1, 5)
    market["pool_height"] = state.scalars[0]["head"]


@kernel
def apply_window(state: State, event: Row) -> None:
    """Open a window; the age of a need counts from the head at which it got its sign."""
    market = state.markets[market_slot(state, int64(event["netuid"]))]
    need = event["amount"]
    if need == 0:
        market["need_since"] = 0
    elif market["need_since"] == 0 or (need > 0) != (market["need"] > 0):
        market["need_since"] = state.scalars[0]["head"]
    market["need"] = need
    market["used"] = market["firm_used"]
    market["cap"] = event["limit"]
    market["mirror_tao"] = event["pool_tao"]
    market["mirror_alpha"] = event["pool_alpha"]
    market["gates"] = event["aux"]
