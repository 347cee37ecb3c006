"""The cut: who takes part, the match at the head price, the prefix, the book, one swap per market.

Source: ``execution`` section 7.
"""

from dataclasses import dataclass, field

from amm.errors import SwapRefused
from amm.exchange_reference import (
    PPM,
    buy_in,
    buy_out,
    gross_for_net,
    largest_remainder,
    net_to_price,
    sell_in,
    trading_fee,
)
from amm.reference import Pool, Side, limit_bits_of, max_input_for_limit, price_bits, spot_rao
from ledger.engine.layout import TAO_ASSET, EventKind, Flag, Job, KeyRole, Mode, OrderState
from ledger.engine.parameters import NEED_HEADS, SETTLE_FLOOR
from ledger.errors import Refusal
from tests.support.naive import trades
from tests.support.naive.curve import bound_of
from tests.support.naive.exchange import INT64_MAX, RAO, Exchange, Item, Market, OpenJob, Order
from tests.support.naive.markets import is_tradable
from tests.support.naive.setup import mirror_fields
from tests.support.naive.sweep import move_mirror
from tests.support.naive.takers import may_trade
from tests.support.naive.walk import meet, offered


@dataclass
class Swap:
    """One item of the settlement that is made: amount and limit, the house's part, the customers with theirs."""

    market: Market
    sell: bool
    amount: int
    limit: int
    house: int
    pending: int = 0
    orders: list[tuple[Order, int]] = field(default_factory=list)


def by_account(order: Order) -> tuple[int, int]:
    """Return the order of allocation: smaller account, then smaller order id."""
    return order.account, order.order_id


def cut(exchange: Exchange) -> None:
    """Make the cut: at most one swap per market, all in one settlement, with none in flight before."""
    hot = exchange.key_of(KeyRole.HOT)
    halted = exchange.money_halted or exchange.signer_halted or not exchange.spec_is_known()
    if exchange.settlement or halted or not hot or not exchange.key_of(KeyRole.TRADING):
        return
    tao_left = exchange.books.custody_free(hot)
    swaps = []
    for market in exchange.ascending():
        if not is_tradable(exchange, market):
            continue
        need = exchange.need(market)
        residual = match(exchange, market)
        swap = swap_of(exchange, market, tao_left, sell=residual)
        if swap is None and exchange.need(market) != need:
            move_mirror(exchange, market)
        if swap:
            tao_left -= 0 if swap.sell else swap.amount
            swaps.append(swap)
    if swaps:
        request(exchange, swaps)
    for market in exchange.ascending():
        uncovered = market.bought_cut > market.final_cut
        if market.item is None and uncovered and exchange.books.position(market.netuid) >= 0:
            market.final_cut, market.open_cut = market.open_cut, market.open_cut + 1
            exchange.emit(EventKind.CUT_ADVANCED, netuid=market.netuid, amount=market.final_cut, tao=market.open_cut)


def queued(exchange: Exchange, market: Market, *, sell: bool) -> list[Order]:
    """Return one side of the queue in the order of allocation; nobody where the stage lets that side not trade."""
    if not may_trade(market, sell=sell):
        return []
    return sorted(exchange.shelf(market, OrderState.QUEUED, sell=sell), key=by_account)


def cost_held(order: Order) -> int:
    """Return the largest cost that fits with its fee into what is held."""
    low, high = 0, order.held
    while low < high:
        cost = (low + high + 1) // 2
        fee = trading_fee(order.tao + cost, order.taker_ppm) - trading_fee(order.tao, order.taker_ppm)
        low, high = (cost, high) if cost + fee <= order.held else (low, cost - 1)
    return low


def part_of(market: Market, order: Order) -> int:
    """Return with how much an order takes part: alpha of a sale, TAO without trading fee of a buy."""
    if order.sell:
        return order.open
    if order.quote:
        return min(order.open, cost_held(order))
    assert market.pool is not None, "the market is tradable"
    try:
        cost = buy_out(market.pool, order.open).cost
    except SwapRefused:
        return cost_held(order)
    return min(cost, cost_held(order))


def match_part(market: Market, order: Order) -> int:
    """Return with how much an order is met at the head price: a buy of a volume with no more than that is worth.

    With what the chain would ask for the volume it would buy more than it wants, and the house would keep the rest.
    """
    part = part_of(market, order)
    if order.sell or order.quote:
        return part
    assert market.pool is not None, "the market is tradable"
    return min(part, -(-order.open * price_bits(market.pool) >> 64))


def match(exchange: Exchange, market: Market) -> bool:
    """Let buyers and sellers meet at the head price; the house takes part with what the window leaves.

    Returns the side that may have orders left, True for the sellers.
    """
    assert market.pool is not None, "the market is tradable"
    price = price_bits(market.pool)
    buyers, sellers = queued(exchange, market, sell=False), queued(exchange, market, sell=True)
    if not (buyers or sellers):
        return False
    pays = [match_part(market, order) for order in buyers]
    gives = [order.open for order in sellers]
    need, room = exchange.need(market), max(market.cap - market.used, 0)
    owned = min(room, exchange.books.house(TAO_ASSET)) if market.backed else room
    house_buys = max(min(need * price >> 64, owned), 0) if need > 0 else 0
    house_sells = min(-need, worth_of(room, price)) if need < 0 else 0
    buying, selling = sum(pays) + house_buys, sum(gives) + house_sells
    worth = selling * price >> 64
    residual = not buyers or buying < worth
    if buying >= worth:
        tao, alpha = worth, selling
    else:
        tao, alpha = buying, min(selling, worth_of(buying, price))
    if tao <= 0 or alpha <= 0:
        return residual
    pay, get = largest_remainder(tao, [*pays, house_buys]), largest_remainder(alpha, [*pays, house_buys])
    give, receive = largest_remainder(alpha, [*gives, house_sells]), largest_remainder(tao, [*gives, house_sells])
    house = pay[-1] + receive[-1]
    exchange.emit(EventKind.CUT_MATCHED, netuid=market.netuid, tao=tao, amount=alpha, limit=house)
    market.used += house
    for order, tao_part, alpha_part in zip(buyers, pay, get, strict=False):
        allocate(exchange, market, order, alpha_part, tao_part)
    for order, tao_part, alpha_part in zip(sellers, receive, give, strict=False):
        allocate(exchange, market, order, alpha_part, tao_part)
    return residual


def worth_of(tao: int, price: int) -> int:
    """Return the most alpha that is worth no more than some TAO at the head price."""
    return (tao << 64) // price if price else INT64_MAX


def allocate(exchange: Exchange, market: Market, order: Order, alpha: int, tao: int) -> None:
    """Fill an order with its share: never more alpha than it wants, never beyond its limit."""
    if not order.sell and not order.quote and alpha > order.open:
        tao, alpha = -(-tao * order.open // alpha), order.open
    if alpha == 0 or tao == 0:
        return
    if order.sell:
        rounding = max(trades.cost_up(alpha, order.limit) - tao, 0)
    else:
        rounding = max(tao - alpha * order.limit // RAO, 0)
    trades.fill(exchange, order, market, mode=Mode.BLOCK, alpha=alpha, tao=tao, rounding=rounding)
    if order.open == 0:
        trades.close(exchange, order, 0)


def choose(exchange: Exchange, market: Market, *, sell: bool) -> tuple[list[Order], int]:
    """Return the prefix by limit that would fill most on the head, with its tightest limit."""
    pool = market.pool
    assert pool is not None, "the market is tradable"
    loosest = exchange.shelf(market, OrderState.QUEUED, sell=sell) if queued(exchange, market, sell=sell) else []
    best, chosen, limit = 0, 0, 0
    total = 0
    for count, order in enumerate(loosest, 1):
        total += part_of(market, order)
        tight = bound_of(order.limit, pool.fee_rate, sell=sell)
        bits = limit_bits_of(tight)
        if (bits >= price_bits(pool)) if sell else (bits <= price_bits(pool)):
            continue
        try:
            most = max_input_for_limit(pool, Side.SELL if sell else Side.BUY, limit_rao=tight)
        except SwapRefused:
            continue
        if min(total, most) >= best and min(total, most) > 0:
            best, chosen, limit = min(total, most), count, order.limit
    return sorted(loosest[:chosen], key=by_account), limit


def drop_left_out(exchange: Exchange, market: Market, chosen: list[Order]) -> None:
    """Close what is worth nothing at the head price, and of what was not chosen that which had its one cut."""
    assert market.pool is not None, "the market is tradable"
    price = price_bits(market.pool)
    for sell in (False, True):
        for order in queued(exchange, market, sell=sell):
            part = part_of(market, order)
            if (part * price >> 64 if sell else worth_of(part, price)) == 0:
                trades.close(exchange, order, Refusal.DUST)
            elif order.passing and order not in chosen:
                trades.close(exchange, order, order.beyond)


def end_cut(exchange: Exchange, orders: list[Order]) -> None:
    """Close those that take part in one cut only; the others wait for the next."""
    for order in sorted(orders, key=by_account):
        if order.passing:
            trades.close(exchange, order, order.beyond)


def meet_book(exchange: Exchange, market: Market, chosen: list[Order], limit: int, *, sell: bool) -> None:
    """Let the chosen orders walk book and head curve like one taker; only what rests is filled now."""
    pool = market.pool
    assert pool is not None, "the market is tradable"
    has = {order.order_id: part_of(market, order) for order in chosen}
    left = sum(has.values())
    for maker in exchange.shelf(market, OrderState.RESTING, sell=not sell):
        if maker.limit < limit if sell else maker.limit > limit:
            return
        pool, taken = on_the_way(pool, left, maker.limit, sell=sell)
        left -= taken
        if left <= 0:
            return
        left -= share_maker(exchange, market, chosen, has, maker, left)


def on_the_way(pool: Pool, left: int, price: int, *, sell: bool) -> tuple[Pool, int]:
    """Return the head pool once the curve is as good as a resting order, and what it took until there.

    The marginal price alone decides: this part goes to the chain with that of others, and is not rounded by itself.
    """
    bound = limit_bits_of(bound_of(price, pool.fee_rate, sell=sell))
    most = net_to_price(pool, Side.SELL if sell else Side.BUY, bound)
    gross = gross_for_net(most, pool.fee_rate) if most > 0 else 0
    if gross == 0 or gross >= left:
        return pool, min(gross, left)
    try:
        return (sell_in(pool, gross) if sell else buy_in(pool, gross)).pool, gross
    except SwapRefused:
        return pool, 0


def share_maker(
    exchange: Exchange, market: Market, chosen: list[Order], has: dict[int, int], maker: Order, left: int
) -> int:
    """Fill a resting order pro rata to what the chosen ones have left, none of them its owner's; tell the use."""
    alpha = min(left * RAO // maker.limit if maker.sell else left, offered(maker))
    takers = [order for order in chosen if order.order_id in exchange.orders and order.account != maker.account]
    parts = largest_remainder(alpha, [has[order.order_id] for order in takers])
    used = 0
    for order, share in zip(takers, parts, strict=True):
        part = min(share, offered(maker))
        if order.sell:
            part = min(part, has[order.order_id])
        else:
            part = min(part, has[order.order_id] * RAO // maker.limit)
            part = part if order.quote else min(part, order.open)
        tao = part * maker.limit // RAO if order.sell else trades.cost_up(part, maker.limit)
        if part == 0 or tao == 0:
            continue
        meet(exchange, market, order, maker, alpha=part, tao=tao)
        spent = part if order.sell else tao
        has[order.order_id] -= spent
        used += spent
        if order.open == 0:
            trades.close(exchange, order, 0)
        if maker.order_id not in exchange.orders:
            break
    return used


def swap_of(exchange: Exchange, market: Market, tao_left: int, *, sell: bool) -> Swap | None:
    """Return the market's swap: the chosen customers of one side and the house, None where nothing is sent."""
    chosen, limit = choose(exchange, market, sell=sell)
    drop_left_out(exchange, market, chosen)
    chosen = [order for order in chosen if order.order_id in exchange.orders]
    if chosen:
        meet_book(exchange, market, chosen, limit, sell=sell)
        chosen = [order for order in chosen if order.order_id in exchange.orders]
    need = exchange.need(market)
    if chosen:
        swap = customers_swap(exchange, market, chosen, limit, need, tao_left, sell=sell)
        if swap is None:
            end_cut(exchange, chosen)
        return swap
    if need == 0 or not is_due(exchange, market, need):
        return None
    amount, limit = house_swap(exchange, market, need, tao_left)
    if amount <= 0 or (need < 0 and market.value_at_p0(amount) < SETTLE_FLOOR):
        return None
    return Swap(market, need < 0, amount, limit, amount)


def customers_swap(
    exchange: Exchange, market: Market, chosen: list[Order], tightest: int, need: int, tao_left: int, *, sell: bool
) -> Swap | None:
    """Return the swap of chosen customers, with what the house needs on the same side."""
    pool = market.pool
    assert pool is not None, "the market is tradable"
    hot = exchange.key_of(KeyRole.HOT)
    stake = exchange.books.custody_stake(hot, market.hotkey, market.netuid)
    brought = [part_of(market, order) for order in chosen]
    total = min(sum(brought), stake if sell else tao_left)
    parts = [(order, part) for order, part in zip(chosen, largest_remainder(total, brought), strict=True) if part]
    if total <= 0:
        return None
    try:
        if sell:
            house = min(max(-need, 0), max(stake - total, 0))
            pending = -total
        else:
            bought = buy_in(pool, total)
            pending = bought.alpha_out
            house = buy_out(bought.pool, need).cost if need > 0 else 0
            house = house if total + house <= tao_left else 0
    except SwapRefused:
        return None
    amount = total + house
    value = market.value_at_p0(amount) if sell else amount
    if value < max(market.min_settle, SETTLE_FLOOR):
        return None
    bound, limit = bound_of(tightest, pool.fee_rate, sell=sell), limit_of(market, amount, sell=sell)
    limit = max(limit, bound) if sell else min(limit, bound)
    return Swap(market, sell, amount, limit, house, pending, parts) if limit > 0 else None


def limit_of(market: Market, amount: int, *, sell: bool) -> int:
    """Return the limit price of a swap: the price after it, with the tolerance; 0 where the pool refuses it."""
    pool = market.pool
    assert pool is not None, "the market is tradable"
    base = market.base if market.calm and market.base else pool
    base = Pool(base.tao, base.alpha, base.weight, pool.fee_rate)
    try:
        after = sell_in(base, amount).pool if sell else buy_in(base, amount).pool
    except SwapRefused:
        return 0
    price = min(spot_rao(after), INT64_MAX)
    if sell:
        return (price - 1) * (PPM - market.tolerance_ppm) // PPM
    return min(price * (PPM + market.tolerance_ppm) // PPM, INT64_MAX)


def is_due(exchange: Exchange, market: Market, need: int) -> bool:
    """Tell whether a need is worth a call: large enough, and a quarter of the cap or old."""
    value = market.value_at_p0(abs(need))
    if value < max(market.min_settle, SETTLE_FLOOR):
        return False
    return 4 * value >= market.cap or exchange.head - market.need_since > NEED_HEADS


def house_swap(exchange: Exchange, market: Market, need: int, tao_left: int) -> tuple[int, int]:
    """Return amount and limit price of the swap that brings a need to zero; zeros where none can be sent."""
    assert market.pool is not None, "the market is tradable"
    hot = exchange.key_of(KeyRole.HOT)
    try:
        if need > 0:
            amount = buy_out(market.pool, need).cost
        else:
            amount = min(-need, exchange.books.custody_stake(hot, market.hotkey, market.netuid))
    except SwapRefused:
        return 0, 0
    if amount <= 0 or (need > 0 and amount > tao_left):
        return 0, 0
    limit = limit_of(market, amount, sell=need < 0)
    return (amount, limit) if limit > 0 else (0, 0)


def request(exchange: Exchange, swaps: list[Swap]) -> None:
    """Request a settlement; the cuts of its markets are closed, its orders in flight."""
    header = exchange.emit(EventKind.SETTLEMENT_REQUESTED, amount=len(swaps), other=exchange.head)
    job_id = header["order_id"] = header["seq"]
    exchange.jobs[job_id] = OpenJob(job_id, Job.SETTLEMENT, exchange.head, items=len(swaps))
    exchange.settlement = job_id
    for number, swap in enumerate(swaps):
        market = swap.market
        market.block_pending = swap.pending
        exchange.rebuild(market)
        exchange.emit(
            EventKind.SETTLEMENT_ITEM_REQUESTED,
            order_id=job_id,
            netuid=market.netuid,
            flags=(Flag.SELL if swap.sell else 0) | (Flag.FIRST if number == 0 else 0),
            aux=number,
            amount=swap.amount,
            limit=swap.limit,
            hold=swap.house,
            other=market.hotkey,
            tao=market.open_cut,
            fee=swap.pending,
            **mirror_fields(market),
        )
        market.item = Item(number, swap.sell, swap.amount, swap.limit, market.hotkey, market.open_cut, house=swap.house)
        market.open_cut += 1
        for order, part in swap.orders:
            exchange.emit(EventKind.ORDER_SENT, **trades.name(order), amount=part, aux=job_id)
            order.state, order.flight = OrderState.IN_FLIGHT, part


def share_outcome(exchange: Exchange, market: Market, item: Item, *, alpha: int, tao: int) -> None:
    """Give the customers their part of a booked swap; the house keeps the rest."""
    orders = sorted(exchange.in_state(market, OrderState.IN_FLIGHT), key=by_account)
    flights = [order.flight for order in orders]
    part = item.amount - item.house
    alphas = largest_remainder(alpha * part // item.amount, flights)
    taos = largest_remainder(tao * part // item.amount, flights)
    for order, alpha_part, tao_part in zip(orders, alphas, taos, strict=True):
        allocate(exchange, market, order, alpha_part, tao_part)
        if order.order_id not in exchange.orders:
            continue
        if order.cancel or order.passing:
            trades.close(exchange, order, order.cancel or order.beyond)


def land(exchange: Exchange) -> None:
    """Take what a closed settlement left out of flight: back to the queue, or closed."""
    orders = [order for order in exchange.orders.values() if order.state == OrderState.IN_FLIGHT]
    for order in sorted(orders, key=by_account):
        if order.cancel or order.passing:
            trades.close(exchange, order, order.cancel or order.beyond)
        else:
            trades.queue(exchange, order, order.held, 0)
