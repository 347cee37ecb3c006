"""The cut: at a head, with no settlement in flight, the house needs become at most one swap per market.

Source: ``execution`` section 7, steps 1, 5, 6 and 7.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.kernel_cache import kernel
from amm.pool import OK, spot_rao
from amm.shares import settlement_limit_buy, settlement_limit_sell
from amm.steps import buy_in, buy_out, sell_in
from ledger.engine.balances import custody_free, custody_stake, position
from ledger.engine.gates import is_tradable
from ledger.engine.layout import EventKind, Flag
from ledger.engine.parameters import NEED_HEADS, SETTLE_FLOOR
from ledger.engine.pools import spec_is_known, value_at_head
from ledger.engine.rules import append
from ledger.engine.state import Row, State


@kernel
def may_cut(state: State) -> bool:
    """Tell whether a cut may be made at this head: nothing in flight, both keys known, nothing halted."""
    scalars = state.scalars[0]
    return (
        scalars["settlement"] == 0
        and scalars["hot_key"] != 0
        and scalars["trading_key"] != 0
        and scalars["money_halted"] == 0
        and scalars["signer_halted"] == 0
        and spec_is_known(scalars["spec"])
    )


@kernel
def is_due(state: State, market: Row, value: int) -> bool:
    """Tell whether a need of this value is worth a call: large enough, and a quarter of the cap or old."""
    if value < max(market["min_settle"], SETTLE_FLOOR):
        return False
    if value >= (market["cap"] + 3) // 4:
        return True
    return state.scalars[0]["head"] - market["need_since"] > NEED_HEADS


@kernel
def item_of(market: Row, need: int, tao_most: int, alpha_most: int) -> tuple[int, int]:
    """Return ``(amount_in, limit price)`` of the swap that brings a need to zero, ``(0, 0)`` where none can be sent.

    The amount is TAO for a positive need, alpha for a negative one, at most what the hot key holds. The limit is the
    price after the whole swap on the head, with the market's tolerance, and on the pool before the jump while the jump
    gate is closed.
    """
    rate = market["rate"]
    if market["calm"] > 0:
        tao, alpha, weight = market["base_tao"], market["base_alpha"], market["base_weight"]
    else:
        tao, alpha, weight = market["head_tao"], market["head_alpha"], market["weight"]
    if need > 0:
        status, amount, _, _, _, _ = buy_out(market["head_tao"], market["head_alpha"], market["weight"], rate, need)
        if status != OK or amount > tao_most:
            return 0, 0
        status, _, _, _, tao, alpha = buy_in(tao, alpha, weight, rate, amount)
        limit = settlement_limit_buy(spot_rao(tao, alpha, weight), market["tolerance_ppm"]) if status == OK else 0
    else:
        amount = min(-need, alpha_most)
        status, _, _, _, tao, alpha = sell_in(tao, alpha, weight, rate, amount)
        limit = settlement_limit_sell(spot_rao(tao, alpha, weight), market["tolerance_ppm"]) if status == OK else 0
    if limit <= 0:
        return 0, 0
    return amount, limit


@kernel
def decide_cut(state: State) -> None:
    """Request one settlement with an item for each market, ascending, whose need is due."""
    scalars = state.scalars[0]
    run = state.run[0]
    run["cut"] = 0
    if not may_cut(state):
        return
    run["cut"] = 1
    header = append(state, EventKind.SETTLEMENT_REQUESTED.value)
    job_id = header["seq"]
    items = 0
    tao_left = custody_free(state, scalars["hot_key"])
    slot = scalars["first_market"] - 1
    while slot >= 0:
        market = state.markets[slot]
        slot = market["next"] - 1
        need = market["target"] - position(state, market["netuid"])
        if need == 0 or not is_tradable(state, market) or not is_due(state, market, value_at_head(market, abs(need))):
            continue
        stake = custody_stake(state, scalars["hot_key"], market["hotkey"], market["netuid"])
        amount, limit = item_of(market, need, tao_left, stake)
        if amount <= 0 or (need < 0 and value_at_head(market, amount) < SETTLE_FLOOR):
            continue
        event = append(state, EventKind.SETTLEMENT_ITEM_REQUESTED.value)
        event["order_id"] = job_id
        event["netuid"] = market["netuid"]
        event["flags"] = (Flag.SELL.value if need < 0 else 0) | (Flag.FIRST.value if items == 0 else 0)
        event["aux"] = items
        event["amount"] = amount
        event["limit"] = limit
        event["hold"] = amount
        event["other"] = market["hotkey"]
        event["tao"] = market["open_cut"]
        if need > 0:
            tao_left -= amount
        items += 1
    header["order_id"] = job_id
    header["amount"] = items
    header["other"] = scalars["head"]
    if items == 0:
        header["order_id"] = 0
        header["other"] = 0
        run["count"] -= 1


@kernel
def decide_cover(state: State) -> None:
    """Advance the cut of markets that sent nothing and have something to cover, whose house holds what it owes.

    This covers what a settlement that died or failed left uncovered, too.
    """
    if state.run[0]["cut"] == 0:
        return
    slot = state.scalars[0]["first_market"] - 1
    while slot >= 0:
        market = state.markets[slot]
        slot = market["next"] - 1
        if (
            market["bought"] > market["final_cut"]
            and market["item_job"] == 0
            and position(state, market["netuid"]) >= 0
        ):
            event = append(state, EventKind.CUT_ADVANCED.value)
            event["netuid"] = market["netuid"]
            event["amount"] = market["open_cut"]
            event["tao"] = market["open_cut"] + 1
