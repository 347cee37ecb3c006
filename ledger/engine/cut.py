"""The cut of one market: queued orders and the house meet at the head's price, then the residual meets the book.

Source: ``execution`` section 7, steps 1 to 4. What goes to the chain after that is in ``settlement.py``.
"""

# Fields of records are Any to a checker; compiled code has one integer for all of them.
# mypy: disable-error-code="no-any-return"

from amm.fixed_point import U64, mul_div_ceil, mul_div_floor
from amm.kernel_cache import kernel
from amm.pool import OK, limit_bits, spot_bits
from amm.shares import largest_remainder
from amm.steps import buy_in, buy_out, gross_for_net, net_to_price_buy, net_to_price_sell, sell_in
from ledger.engine.allocation import (
    Scratch,
    append_part,
    sort_by_owner,
)
from ledger.engine.balances import position
from ledger.engine.book import first_on, next_on, shelf_place
from ledger.engine.cut_arithmetic import (
    RAO,
    alpha_for,
    bound_of,
    house_buys,
    house_sells,
    match,
    prefix_fill,
    spendable,
    worth,
    worth_up,
)
from ledger.engine.evolve import apply_out
from ledger.engine.layout import TAO_ASSET, EventKind, Flag, Shelf
from ledger.engine.listing import Verb, stage_allows
from ledger.engine.moves import append_of, close_order
from ledger.engine.rules import append
from ledger.engine.state import Row, State
from ledger.engine.take import out_of_reach
from ledger.engine.terms import (
    MAKER,
    TAKER,
    crosses_head,
    fee_part,
    lasts,
    open_alpha,
    open_amount,
    released_by,
)
from ledger.errors import Refusal

Residual = tuple[int, int, int]
"""``(sell, limit price of the tightest chosen order, 1 where there is a choice)``."""

CROSSES_PER_ORDER = 8
"""Trades of one cut between queued and resting orders, per order: a bound on the events of a cut."""


@kernel
def queue_place(market: int, sell: int) -> int:
    """Return the place of the queued buys or sales of a market, given by its slot."""
    return shelf_place(market, Shelf.QUEUED_SALES.value if sell else Shelf.QUEUED_BUYS.value)


@kernel
def queue_count(state: State, market: int) -> int:
    """Return how many orders of a market are queued."""
    buys, sales = queue_place(market, 0), queue_place(market, 1)
    return int(state.shelves[buys]["orders"]) + int(state.shelves[sales]["orders"])


@kernel
def may_trade(market: Row, sell: int) -> bool:
    """Tell whether the market's stage lets this side trade."""
    return stage_allows(market["stage"], Verb.PLACE_LIMIT.value | (Verb.SELL.value if sell else Verb.BUY.value))


@kernel
def part_of(market: Row, order: Row) -> int:
    """Return what an order brings: alpha to sell, or TAO before fees, as much as its hold pays with the fee.

    A buy of a volume brings the TAO that buys what is left of it alone on the head.
    """
    if order["flags"] & Flag.SELL.value:
        return open_amount(order)
    most = spendable(order["held"], order["tao"], order["taker_ppm"])
    if order["flags"] & Flag.IN_QUOTE.value:
        return min(open_amount(order), most)
    status, cost, _, _, _, _ = buy_out(
        market["head_tao"], market["head_alpha"], market["weight"], market["rate"], open_amount(order)
    )
    return min(cost, most) if status == OK else most


@kernel
def match_part(market: Row, order: Row, high: U64, low: U64) -> int:
    """Return what an order brings to the match: a buy of a volume no more than what that is worth at p0.

    With the TAO that the chain would ask, it would buy more than it wants, and the house would get the rest at a price
    that no window bounds.
    """
    part = part_of(market, order)
    if order["flags"] & (Flag.SELL.value | Flag.IN_QUOTE.value):
        return part
    return min(part, worth_up(open_amount(order), high, low))


@kernel
def gather(state: State, slot: int, sell: int, tight: int, scratch: Scratch) -> int:
    """Collect the queued orders of one side that are met at p0, sorted by owner, and return their count.

    ``tight``: only those whose limit is at least as loose; -1 for all, since 0 is the limit of a sale at any price.
    """
    market = state.markets[slot]
    if not may_trade(market, sell):
        return 0
    place = queue_place(slot, sell)
    count = 0
    at = first_on(state, place)
    while at >= 0:
        limit = state.orders[at]["limit"]
        if not crosses_head(market, sell, limit) or (tight >= 0 and is_tighter(sell, limit, tight)):
            break
        scratch.slots[count] = at
        count += 1
        at = next_on(state, place, at)
    sort_by_owner(state, scratch.slots, count)
    return count


@kernel
def is_tighter(sell: int, limit: int, other: int) -> bool:
    """Tell whether a limit leaves less room than another: higher for a sale, lower for a buy."""
    return limit > other if sell else limit < other


@kernel
def bring(state: State, slot: int, sell: int, scratch: Scratch) -> tuple[int, int]:
    """Fill in what each order of one side brings to the match, and return ``(count, sum)``."""
    market = state.markets[slot]
    high, low = spot_bits(market["head_tao"], market["head_alpha"], market["weight"])
    count = gather(state, slot, sell, -1, scratch)
    total = 0
    for i in range(count):
        scratch.brings[i] = match_part(market, state.orders[scratch.slots[i]], high, low)
        total += scratch.brings[i]
    return count, total


@kernel
def match_market(state: State, slot: int, scratch: Scratch) -> int:
    """Let queued buys, queued sales and the house meet at p0; return which side may have orders left, 1 for sales.

    ``execution`` section 7, steps 1 and 2. Where the market is backed the house pays with what it owns.
    """
    market = state.markets[slot]
    high, low = spot_bits(market["head_tao"], market["head_alpha"], market["weight"])
    buyers, tao = bring(state, slot, 0, scratch)
    sellers, alpha = bring(state, slot, 1, scratch)
    if buyers + sellers == 0:
        return 0
    need = market["target"] - position(state, market["netuid"])
    room = market["cap"] - market["used"]
    owned = min(room, state.totals[TAO_ASSET]["house"]) if market["backed"] else room
    bought, sold = house_buys(need, owned, high, low), house_sells(need, room, high, low)
    residual = 1 if buyers == 0 or tao + bought < worth(alpha + sold, high, low) else 0
    matched_tao, matched_alpha = match(tao + bought, alpha + sold, high, low)
    if matched_tao == 0:
        return residual
    event = append(state, EventKind.CUT_MATCHED.value)
    event["netuid"] = market["netuid"]
    event["tao"] = matched_tao
    event["amount"] = matched_alpha
    if bought + sold > 0:
        event["limit"] = house_tao(state, slot, matched_tao, bought, sold, scratch)
    apply_out(state)
    for sell in range(2):
        serve(state, slot, sell, matched_tao, matched_alpha, sold if sell else bought, scratch)
    return residual


@kernel
def split(state: State, slot: int, sell: int, tao: int, alpha: int, house: int, scratch: Scratch) -> int:
    """Split a match among the orders of one side and the house behind them, and return the count of orders."""
    count, _ = bring(state, slot, sell, scratch)
    scratch.brings[count] = house
    largest_remainder(alpha, scratch.brings[: count + 1], scratch.gives[: count + 1])
    largest_remainder(tao, scratch.brings[: count + 1], scratch.gets[: count + 1])
    return count


@kernel
def house_tao(state: State, slot: int, tao: int, bought: int, sold: int, scratch: Scratch) -> int:
    """Return the house's part of the matched TAO."""
    sell = 1 if sold > 0 else 0
    count = split(state, slot, sell, tao, 0, bought + sold, scratch)
    return scratch.gets[count]


@kernel
def serve(state: State, slot: int, sell: int, tao: int, alpha: int, house: int, scratch: Scratch) -> None:
    """Give each order of one side its part of a match."""
    count = split(state, slot, sell, tao, alpha, house, scratch)
    for i in range(count):
        append_part(state, scratch.slots[i], scratch.gives[i], scratch.gets[i])


@kernel
def choose(state: State, slot: int, sell: int) -> Residual:
    """Choose the prefix by limit, loosest first, that fills most on the head; ties take the longer one.

    ``execution`` section 7, step 3. A tighter prefix never takes more than the bound of a looser one, so the search
    ends where that is less than the best.
    """
    market = state.markets[slot]
    if not may_trade(market, sell):
        return sell, 0, 0
    tao, alpha, weight, rate = market["head_tao"], market["head_alpha"], market["weight"], market["rate"]
    place = queue_place(slot, sell)
    total, best, tight, found = 0, 0, 0, 0
    at = first_on(state, place)
    while at >= 0:
        limit = state.orders[at]["limit"]
        if not crosses_head(market, sell, limit):
            break
        total += part_of(market, state.orders[at])
        at = next_on(state, place, at)
        if at >= 0 and state.orders[at]["limit"] == limit:
            continue
        fill = prefix_fill(sell, tao, alpha, weight, rate, limit, total)
        if fill < 0 or (fill < total and fill < best):
            break
        if fill > 0 and fill >= best:
            best, tight, found = fill, limit, 1
    return sell, tight, found


@kernel
def drop_left_out(state: State, slot: int, residual: Residual, scratch: Scratch) -> None:
    """Close what had its one cut and was not chosen, and what can no longer produce anything."""
    market = state.markets[slot]
    high, low = spot_bits(market["head_tao"], market["head_alpha"], market["weight"])
    for sell in range(2):
        count = gather(state, slot, sell, -1, scratch)
        for i in range(count):
            order = state.orders[scratch.slots[i]]
            part = part_of(market, order)
            chosen = residual[2] == 1 and residual[0] == sell and not is_tighter(sell, order["limit"], residual[1])
            if (worth(part, high, low) if sell else alpha_for(part, high, low)) == 0:
                close_order(state, scratch.slots[i], Refusal.DUST.value)
            elif not chosen and not lasts(order):
                close_order(state, scratch.slots[i], out_of_reach(order))


@kernel
def makers_most(count: int, resting: int) -> int:
    """Return with how many resting orders so many queued ones trade at most in one cut: eight trades per order."""
    return max(CROSSES_PER_ORDER * (count + resting) // count, 1)


@kernel
def walk_book(state: State, slot: int, residual: Residual, scratch: Scratch) -> None:
    """Let the chosen orders walk book and head curve like one taker; what meets the book is filled, pro rata.

    ``execution`` section 7, step 4. The curve's part is only planned: it goes to the chain. An order never meets one of
    its own account.
    """
    sell, tight, found = residual
    count = gather(state, slot, sell, tight, scratch) if found else 0
    if count == 0:
        return
    market = state.markets[slot]
    left = 0
    for i in range(count):
        scratch.brings[i] = part_of(market, state.orders[scratch.slots[i]])
        left += scratch.brings[i]
    tao, alpha = market["head_tao"], market["head_alpha"]
    place = shelf_place(slot, Shelf.BIDS.value if sell else Shelf.ASKS.value)
    maker = first_on(state, place)
    makers = makers_most(count, int(state.shelves[place]["orders"]))
    while maker >= 0 and makers > 0 and left > 0 and not is_tighter(sell, tight, state.orders[maker]["limit"]):
        planned, tao, alpha = curve_before(market, sell, tao, alpha, state.orders[maker]["limit"], left)
        if planned < 0:
            return
        left -= planned
        following = next_on(state, place, maker)
        left -= cross_maker(state, maker, sell, left, count, scratch)
        maker = following
        makers -= 1


@kernel
def curve_before(market: Row, sell: int, tao: int, alpha: int, limit: int, left: int) -> tuple[int, int, int]:
    """Return what the curve takes before a resting order is better, and the pool after that; -1 when it takes all."""
    weight, rate = market["weight"], market["rate"]
    high, low = limit_bits(bound_of(sell, limit, rate))
    net = net_to_price_sell(tao, alpha, weight, high, low) if sell else net_to_price_buy(tao, alpha, weight, high, low)
    if net <= 0:
        return 0, tao, alpha
    gross = gross_for_net(net, rate)
    if gross < 0 or gross >= left:
        return -1, tao, alpha
    if sell:
        status, _, _, _, tao_after, alpha_after = sell_in(tao, alpha, weight, rate, gross)
    else:
        status, _, _, _, tao_after, alpha_after = buy_in(tao, alpha, weight, rate, gross)
    if status != OK:
        return 0, tao, alpha
    return gross, tao_after, alpha_after


@kernel
def cross_maker(state: State, maker: int, sell: int, left: int, count: int, scratch: Scratch) -> int:
    """Cross a resting order with the chosen orders, pro rata to what each has left; return what they gave.

    The maker gets its limit; each taker bears at most one rao.
    """
    price, owner = state.orders[maker]["limit"], state.orders[maker]["account"]
    for i in range(count):
        own = scratch.brings[i] > 0 and state.orders[scratch.slots[i]]["account"] == owner
        scratch.gives[i] = 0 if own else scratch.brings[i]
    most = left if sell else mul_div_floor(left, RAO, price)
    alpha = open_alpha(state.orders[maker], price)
    if most >= 0:
        alpha = min(alpha, most)
    largest_remainder(alpha, scratch.gives[:count], scratch.gets[:count])
    given = 0
    for i in range(count):
        if scratch.gets[i] == 0:
            continue
        taker = scratch.slots[i]
        offered, before = open_alpha(state.orders[maker], price), state.orders[maker]["alpha"]
        part = cross_pair(state, taker, maker, sell, scratch.gets[i], scratch.brings[i])
        if part == 0:
            continue
        scratch.brings[i] -= part
        given += part
        taken = state.orders[maker]["alpha"] - before
        done = taken == offered or open_alpha(state.orders[maker], price) <= 0
        if done:
            close_order(state, maker, 0)
        if open_amount(state.orders[taker]) == 0:
            close_order(state, taker, 0)
            scratch.brings[i] = 0
        if done:
            break
    return given


@kernel
def cross_pair(state: State, taker: int, maker: int, sell: int, alpha: int, brings: int) -> int:
    """Trade up to so much alpha between a queued and a resting order at the latter's limit; return what was given."""
    order, resting = state.orders[taker], state.orders[maker]
    price = resting["limit"]
    alpha = min(alpha, open_alpha(resting, price))
    if sell:
        alpha = min(alpha, brings)
        tao = mul_div_floor(alpha, price, RAO)
    else:
        affordable = mul_div_floor(brings, RAO, price)
        if affordable >= 0:
            alpha = min(alpha, affordable)
        if not order["flags"] & Flag.IN_QUOTE.value:
            alpha = min(alpha, open_amount(order))
        tao = mul_div_ceil(alpha, price, RAO)
    if alpha <= 0 or tao <= 0:
        return 0
    fee = fee_part(order, tao, TAKER)
    maker_fee = fee_part(resting, tao, MAKER)
    event = append_of(state, EventKind.CROSSED.value, order)
    event["other"] = resting["account"]
    event["aux"] = resting["order_id"]
    event["amount"] = alpha
    event["tao"] = tao
    event["fee"] = fee
    event["limit"] = maker_fee
    event["hold"] = released_by(order, alpha, tao, fee)
    event["pool_tao"] = released_by(resting, alpha, tao, maker_fee)
    event["pool_alpha"] = price
    apply_out(state)
    return alpha if sell else tao


@kernel
def cut_market(state: State, slot: int, scratch: Scratch) -> Residual:
    """Make the cut of one market up to what goes to the chain, and tell which orders do."""
    side = match_market(state, slot, scratch)
    residual = choose(state, slot, side)
    drop_left_out(state, slot, residual, scratch)
    walk_book(state, slot, residual, scratch)
    return residual


@kernel
def chosen_parts(state: State, slot: int, residual: Residual, scratch: Scratch) -> tuple[int, int]:
    """Fill in what each chosen order brings to the swap, and return ``(count, sum)``."""
    sell, tight, found = residual
    count = gather(state, slot, sell, tight, scratch) if found else 0
    total = 0
    for i in range(count):
        scratch.brings[i] = part_of(state.markets[slot], state.orders[scratch.slots[i]])
        total += scratch.brings[i]
    return count, total
