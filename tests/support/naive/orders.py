"""What customers ask of their orders: place, amend, cancel (``execution`` sections 4 and 5)."""

from amm.exchange_reference import PPM, cost_within, trading_fee
from ledger.engine import parameters
from ledger.engine.layout import MAX_AMOUNT, NO_NETUID, EventKind, Flag, OrderState, Trait
from ledger.engine.listing import Verb
from ledger.errors import Refusal
from tests.support.naive import takers, tiers, trades
from tests.support.naive.exchange import CLIENT, Exchange, FirstAnswer, Market, Order, Record, Refused
from tests.support.naive.takers import stage_allows
from tests.support.naive.walk import Walk, plan

SECOND_MS = 1_000
TRAITS = int(Trait.STOP_LOSS | Trait.TAKE_PROFIT | Trait.ON_INDEX | Trait.STP_OLDEST | Trait.STP_BOTH)
ROWS = frozenset({OrderState.QUOTE, OrderState.GUARD})
"""Rows that are no orders."""


def check_type(command: Record) -> None:
    """Refuse a combination of type, side and time in force that is not offered."""
    flags, traits = command["flags"], command["code"]
    stop, both = traits & (Trait.STOP_LOSS | Trait.TAKE_PROFIT), Trait.STOP_LOSS | Trait.TAKE_PROFIT
    times = [flag for flag in (Flag.IOC, Flag.FOK, Flag.POST_ONLY) if flags & flag]
    unsupported = (
        len(times) > 1
        or (flags & Flag.POST_ONLY and not flags & Flag.LIMIT)
        or (flags & Flag.IN_QUOTE and flags & Flag.SELL)
        or stop == both
        or traits & ~TRAITS
        or (traits & Trait.STP_OLDEST and traits & Trait.STP_BOTH)
        or (traits & Trait.ON_INDEX and not stop)
        or (stop and flags & Flag.POST_ONLY)
    )
    if unsupported:
        raise Refused(Refusal.ORDER_TYPE_UNSUPPORTED, flags, traits)


def check_figures(exchange: Exchange, command: Record) -> None:
    """Refuse what makes no sense in itself."""
    flags = command["flags"]
    quote, limited = flags & Flag.IN_QUOTE, flags & Flag.LIMIT
    amount, unused = (command["tao"], command["amount"]) if quote else (command["amount"], command["tao"])
    if not 1 <= amount <= MAX_AMOUNT:
        raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, amount, MAX_AMOUNT)
    if unused != 0:
        raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, unused, 0)
    if limited and not 1 <= command["limit"] <= MAX_AMOUNT:
        raise Refused(Refusal.LIMIT_OUT_OF_RANGE, command["limit"], MAX_AMOUNT)
    if not limited and command["limit"] != 0:
        raise Refused(Refusal.LIMIT_OUT_OF_RANGE, command["limit"], 0)
    if not 0 <= command["aux"] <= PPM:
        raise Refused(Refusal.SLIPPAGE_OUT_OF_RANGE, command["aux"], PPM)
    stop = command["code"] & (Trait.STOP_LOSS | Trait.TAKE_PROFIT)
    if stop and not 1 <= command["order_id"] <= MAX_AMOUNT:
        raise Refused(Refusal.TRIGGER_OUT_OF_RANGE, command["order_id"], MAX_AMOUNT)
    if not stop and command["order_id"] != 0:
        raise Refused(Refusal.TRIGGER_OUT_OF_RANGE, command["order_id"], 0)
    if command["key"] and command["key"] * SECOND_MS <= exchange.now:
        raise Refused(Refusal.EXPIRY_OUT_OF_RANGE, command["key"], exchange.now // SECOND_MS)
    check_deadline(exchange, command)


def check_deadline(exchange: Exchange, command: Record) -> None:
    """Refuse what comes too late."""
    if command["hold"] != 0 and command["hold"] < exchange.now:
        raise Refused(Refusal.DEADLINE_PASSED, exchange.now, command["hold"])


def check_count(exchange: Exchange, account: int) -> None:
    """Refuse one more row of an account that has as many as it may have."""
    alive = sum(1 for order in exchange.orders.values() if order.account == account)
    most = parameters.ORDERS_PER_ACCOUNT
    if alive >= most:
        raise Refused(Refusal.TOO_MANY, alive, most)


def make_order(exchange: Exchange, market: Market, command: Record) -> Order:
    """Return an order as the command describes it, without an id."""
    taker_ppm, maker_ppm = tiers.fees(exchange, market, command["account"])
    order = Order(
        0,
        command["account"],
        market.netuid,
        flags=command["flags"],
        traits=command["code"],
        limit=command["limit"],
        trigger=command["order_id"],
        slippage_ppm=command["aux"],
        amount=command["amount"],
        taker_ppm=taker_ppm,
        maker_ppm=maker_ppm,
        expires=command["key"] * SECOND_MS,
        userref=command["other"],
    )
    if order.quote:
        order.total = command["tao"]
        order.amount = cost_within(order.total, taker_ppm)
    return order


def place(exchange: Exchange, command: Record, text: bytes | None) -> int:
    """Accept an order and decide it; returns its id, 0 where it was only to be checked."""
    flags, account = command["flags"], command["account"]
    exchange.require_account(account)
    market = exchange.market(command["netuid"])
    kind = Verb.POST if flags & Flag.POST_ONLY else Verb.PLACE_LIMIT if flags & Flag.LIMIT else Verb.PLACE_MARKET
    if not stage_allows(market.stage, kind | (Verb.SELL if flags & Flag.SELL else Verb.BUY)):
        raise Refused(Refusal.MARKET_STAGE, market.stage)
    check_type(command)
    check_figures(exchange, command)
    check_count(exchange, account)
    order = make_order(exchange, market, command)
    walk = None
    if takers.is_stop(order):
        needed = order.total if order.quote else takers.armed_hold(order)
    else:
        walk = plan_new(exchange, market, order)
        needed = funds_for(exchange, market, order, walk)
    owned = exchange.books.free(account, order.asset)
    if needed > owned:
        raise Refused(Refusal.INSUFFICIENT_FUNDS, needed, owned)
    would_trade = walk is not None and flags & Flag.POST_ONLY and walk.trades
    if flags & Flag.VALIDATE_ONLY:
        if would_trade:
            raise Refused(Refusal.POST_ONLY_WOULD_TRADE)
        return 0
    accepted = exchange.emit(
        EventKind.ORDER_ACCEPTED,
        **{name: command[name] for name in ("account", "netuid", "flags", "code", "amount", "tao", "aux", "key")},
        other=command["other"],
        limit=order.limit,
        pool_tao=order.trigger,
        pool_alpha=order.taker_ppm,
        fee=order.maker_ppm,
        payload=text,
    )
    accepted["order_id"] = order.order_id = order.priority = accepted["seq"]
    reference = exchange.answer(command, accepted)
    exchange.orders[order.order_id] = order
    if walk is None:
        takers.arm(exchange, order)
    elif would_trade:
        trades.close(exchange, order, Refusal.POST_ONLY_WOULD_TRADE)
    else:
        takers.decide(exchange, market, order, walk)
    return reference


def plan_new(exchange: Exchange, market: Market, order: Order) -> Walk:
    """Plan a new order; a market order gets its limit by the mirror's price."""
    if not order.limited:
        if not takers.is_priced(market):
            raise Refused(Refusal.POOL_CLOSED, market.netuid)
        order.limit = takers.market_limit(market, sell=order.sell, slippage_ppm=order.slippage_ppm)
    return plan(exchange, market, order)


def funds_for(exchange: Exchange, market: Market, order: Order, walk: Walk) -> int:
    """Return what an order's owner must have free."""
    if order.sell:
        return order.amount
    if order.quote:
        return order.total
    if order.limited or takers.why_not_walk(exchange, market, order, walk):
        return trades.hold_of(order, order.limit)
    return walk.tao + trading_fee(walk.tao, order.taker_ppm)


def live_order(exchange: Exchange, command: Record) -> Order:
    """Return the customer's live order that a command names, or refuse."""
    exchange.require_account(command["account"])
    order = exchange.orders.get(command["order_id"])
    if order is None or order.account != command["account"] or order.state in ROWS:
        raise Refused(Refusal.UNKNOWN_ORDER, command["order_id"])
    return order


def drop(exchange: Exchange, order: Order, reason: int) -> Record:
    """Close an order, or note that what its settlement leaves is cancelled."""
    if order.state != OrderState.IN_FLIGHT:
        return trades.close(exchange, order, reason)
    order.cancel = int(reason)
    fields = trades.name(order) | {"flags": 0}
    return exchange.emit(EventKind.CANCEL_NOTED, **fields, code=int(reason))


def answer_with(exchange: Exchange, command: Record, event: Record, reference: int) -> int:
    """Make an event the answer to its command, with another reference than its seq."""
    event |= {name: command[name] for name in CLIENT}
    exchange.remember(command, FirstAnswer(command["digest"], 0, reference, 0, 0))
    return reference


def cancel(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Cancel one order."""
    order = live_order(exchange, command)
    market = exchange.markets[order.netuid]
    if not stage_allows(market.stage, Verb.CANCEL):
        raise Refused(Refusal.MARKET_STAGE, market.stage)
    return answer_with(exchange, command, drop(exchange, order, Refusal.CANCELLED), order.order_id)


def cancel_all(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Cancel all orders of an account, in one market or in all."""
    exchange.require_account(command["account"])
    netuid = command["netuid"]
    if netuid != NO_NETUID:
        exchange.market(netuid)
    count = drop_all(exchange, command["account"], netuid, Refusal.CANCELLED)
    event = exchange.emit(
        EventKind.ORDERS_CANCELLED,
        account=command["account"],
        netuid=netuid,
        amount=count,
        code=int(Refusal.CANCELLED),
    )
    return exchange.answer(command, event)


def drop_all(exchange: Exchange, account: int, netuid: int, reason: int) -> int:
    """Drop all orders of an account by id; returns how many."""
    count = 0
    for _, order in sorted(exchange.orders.items()):
        mine = order.account == account and order.state not in ROWS and netuid in {NO_NETUID, order.netuid}
        if mine and stage_allows(exchange.markets[order.netuid].stage, Verb.CANCEL):
            drop(exchange, order, reason)
            count += 1
    return count


def amend(exchange: Exchange, command: Record, _text: bytes | None) -> int:
    """Change an order's volume, limit or trigger; a smaller volume alone keeps its place in time."""
    order = live_order(exchange, command)
    market = exchange.markets[order.netuid]
    verb = Verb.PLACE_LIMIT if order.limited else Verb.PLACE_MARKET
    if order.flags & Flag.POST_ONLY:
        verb = Verb.POST
    if not stage_allows(market.stage, verb | (Verb.SELL if order.sell else Verb.BUY)):
        raise Refused(Refusal.MARKET_STAGE, market.stage)
    check_deadline(exchange, command)
    misplaced = (command["limit"] and not order.limited) or (command["aux"] and order.state != OrderState.ARMED)
    if order.state == OrderState.IN_FLIGHT or order.quote or misplaced:
        raise Refused(Refusal.AMEND_NOT_POSSIBLE, order.order_id)
    amount = command["amount"] or order.amount
    limit = command["limit"] or order.limit
    trigger = command["aux"] or order.trigger
    if not order.alpha < amount <= MAX_AMOUNT:
        raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, amount, MAX_AMOUNT)
    if command["limit"] and not 1 <= limit <= MAX_AMOUNT:
        raise Refused(Refusal.LIMIT_OUT_OF_RANGE, limit, MAX_AMOUNT)
    if command["aux"] and not 1 <= trigger <= MAX_AMOUNT:
        raise Refused(Refusal.TRIGGER_OUT_OF_RANGE, trigger, MAX_AMOUNT)
    kept = amount <= order.amount and limit == order.limit and trigger == order.trigger
    return apply_amend(exchange, market, order, command, (amount, limit, trigger), kept=kept)


def apply_amend(
    exchange: Exchange, market: Market, order: Order, command: Record, figures: tuple[int, int, int], *, kept: bool
) -> int:
    """Take over new figures, held for as if new, and decide the order anew where it does not keep its place."""
    before = order.amount, order.limit, order.trigger
    order.amount, order.limit, order.trigger = figures
    armed = order.state == OrderState.ARMED
    hold = takers.armed_hold(order) if armed else trades.hold_of(order, order.limit)
    owned = exchange.books.free(order.account, order.asset)
    refusal, post_only = None, (command["flags"] | order.flags) & Flag.POST_ONLY
    if hold - order.held > owned:
        refusal = Refused(Refusal.INSUFFICIENT_FUNDS, hold - order.held, owned)
    elif post_only and not armed and not kept and plan(exchange, market, order).trades:
        refusal = Refused(Refusal.POST_ONLY_WOULD_TRADE)
    if refusal:
        order.amount, order.limit, order.trigger = before
        raise refusal
    event = exchange.emit(
        EventKind.ORDER_AMENDED,
        **trades.name(order),
        amount=order.amount,
        limit=order.limit,
        pool_tao=order.trigger,
        code=int(kept),
    )
    event["hold"] = trades.rehold(exchange, order, hold)
    reference = answer_with(exchange, command, event, order.order_id)
    if not kept:
        order.priority, order.state = event["seq"], OrderState.WORKING
        if armed:
            takers.arm(exchange, order)
        else:
            takers.decide(exchange, market, order)
    return reference
