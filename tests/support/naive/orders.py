"""Orders that are decided at once, on the mirror's curve in big integers (``execution`` sections 4 and 5)."""

from dataclasses import dataclass

from amm.errors import SwapRefused
from amm.exchange_reference import (
    PPM,
    buy_in,
    buy_out,
    cost_within,
    gross_for_net,
    net_to_price,
    sell_in,
    trading_fee,
)
from amm.reference import (
    FEE_BASE,
    MAX_INPUT_MULTIPLE,
    MIN_RESERVE,
    Pool,
    Side,
    curve_out,
    fee_on_total,
    limit_bits_of,
    spot_rao,
)
from ledger.engine.layout import MAX_AMOUNT, TAO_ASSET, EventKind, Flag, Gate, Mode, Stage
from ledger.engine.listing import ALLOWED, Verb
from ledger.engine.parameters import POSITION_CAPS, STALE_AFTER_MS
from ledger.errors import Refusal
from tests.support.naive.exchange import INT64_MAX, RAO, Exchange, Market, Record, Refused

POOL_GATES = Gate.WEIGHT | Gate.CLOSED | Gate.RESERVE | Gate.MIRROR
ORDER_FLAGS = ("account", "netuid", "flags", "amount", "tao", "aux", "other")


@dataclass
class Plan:
    """What an order would do on the curve: alpha and TAO that the customer moves, and the mirror after it."""

    alpha: int
    tao: int
    pool_fee: int
    window: int
    after: Pool
    whole: bool


class Unfillable(Exception):  # noqa: N818 - a verdict, not a failure
    """The plan comes to nothing; ``reason`` is the code the order is closed with."""

    def __init__(self, reason: int) -> None:
        super().__init__(reason)
        self.reason = reason


def stage_allows(stage: int, verbs: int) -> bool:
    """Tell whether a stage allows all of these verbs."""
    return ALLOWED[stage] & verbs == verbs


def market_limit(market: Market, *, sell: bool, slippage_ppm: int) -> int:
    """Return the limit of a market order: the mirror's price less or more the slippage, rounded for the customer."""
    if market.mirror is None:
        return 0
    price = min(spot_rao(market.mirror), INT64_MAX)
    if sell:
        return -(-price * (PPM - slippage_ppm) // PPM)
    return min(price * (PPM + slippage_ppm) // PPM, INT64_MAX)


def why_closed(exchange: Exchange, market: Market) -> int:
    """Return why instant mode of a market is closed now, or 0 (``execution`` section 5)."""
    too_old = exchange.now - exchange.imported > max(STALE_AFTER_MS, exchange.interval * 5 // 2)
    unpriced = market.mirror is None or market.mirror.tao <= 0 or market.mirror.alpha <= 0
    stage = market.stage < Stage.POST_ONLY or not stage_allows(market.stage, Verb.SELL)
    for closed, reason in (
        (exchange.instant_halted or market.instant_halted, Refusal.INSTANT_HALTED),
        (market.gates & Gate.SPEC, Refusal.SPEC_UNKNOWN),
        (exchange.head == 0 or too_old, Refusal.HEAD_STALE),
        (market.gates & Gate.JUMP, Refusal.JUMP_GATE),
        (market.gates & POOL_GATES or unpriced, Refusal.POOL_CLOSED),
        (market.gates & Gate.FUNDING, Refusal.NOT_FUNDED),
        (stage, Refusal.MARKET_STAGE),
    ):
        if closed:
            return int(reason)
    return 0


def plan_buy(pool: Pool, *, cost: int, wanted: int, limit: int, beyond: int) -> Plan:
    """Plan a buy of ``wanted`` alpha, or for ``cost`` rao where that is 0, up to where the price reaches the limit."""
    bound = limit * (FEE_BASE - pool.fee_rate) // FEE_BASE
    most = net_to_price(pool, Side.BUY, limit_bits_of(bound))
    refusal = int(Refusal.POOL_REFUSES)
    try:
        bought = buy_out(pool, wanted) if wanted else buy_in(pool, cost)
        whole = bought.net <= most
    except SwapRefused:
        if not wanted and has_no_output(pool, Side.BUY, cost - fee_on_total(cost, pool.fee_rate)):
            raise Unfillable(Refusal.DUST) from None
        whole = False
        if most > 0 and not wanted and gross_for_net(most, pool.fee_rate) >= cost:
            raise Unfillable(refusal) from None
    if not whole:
        if most <= 0:
            raise Unfillable(beyond)
        gross = gross_for_net(most, pool.fee_rate)
        try:
            bought = buy_in(pool, gross)
        except SwapRefused:
            dust = has_no_output(pool, Side.BUY, gross - fee_on_total(gross, pool.fee_rate))
            raise Unfillable(Refusal.DUST if dust else refusal) from None
    alpha, after = bought.alpha_out, bought.pool
    if wanted and alpha > wanted:
        alpha, after = wanted, Pool(after.tao, pool.alpha - wanted, pool.weight, pool.fee_rate)
    if bought.cost > alpha * limit // RAO:
        raise Unfillable(beyond)
    return Plan(alpha, bought.cost, bought.pool_fee, after.tao - pool.tao, after, whole)


def plan_sell(pool: Pool, *, offered: int, limit: int, beyond: int) -> Plan:
    """Plan a sale of ``offered`` alpha down to where the price reaches the limit."""
    bound = -(-limit * FEE_BASE // (FEE_BASE - pool.fee_rate))
    most = net_to_price(pool, Side.SELL, limit_bits_of(bound))
    given = offered
    if offered - fee_on_total(offered, pool.fee_rate) > most:
        if most <= 0:
            raise Unfillable(beyond)
        given = min(gross_for_net(most, pool.fee_rate), offered)
    try:
        sold = sell_in(pool, given)
    except SwapRefused:
        raise Unfillable(Refusal.DUST if sale_is_dust(pool, given) else Refusal.POOL_REFUSES) from None
    if sold.tao_out * RAO < given * limit:
        raise Unfillable(beyond)
    return Plan(given, sold.tao_out, sold.pool_fee_alpha, sold.tao_out, sold.pool, given == offered)


def has_no_output(pool: Pool, side: Side, net: int) -> bool:
    """Tell whether a step fails for no other reason than that it would bring nothing."""
    reserve_in, reserve_out = (pool.tao, pool.alpha) if side is Side.BUY else (pool.alpha, pool.tao)
    allowed = net <= MAX_INPUT_MULTIPLE * reserve_in and reserve_out >= MIN_RESERVE
    return allowed and net > 0 and curve_out(pool, side, net) == 0


def sale_is_dust(pool: Pool, alpha: int) -> bool:
    """Tell whether a sale fails since it, or the author's sale of its fee, would bring nothing."""
    fee = fee_on_total(alpha, pool.fee_rate)
    if has_no_output(pool, Side.SELL, alpha - fee):
        return True
    net = alpha - fee
    out = curve_out(pool, Side.SELL, net)
    rest = Pool(pool.tao - out, pool.alpha + net, pool.weight, pool.fee_rate)
    return pool.tao >= MIN_RESERVE and net <= MAX_INPUT_MULTIPLE * pool.alpha and has_no_output(rest, Side.SELL, fee)


def why_not_now(exchange: Exchange, market: Market, plan: Plan, *, sell: bool, fee: int) -> int:
    """Return why a plan cannot be filled at once: window, position limit, backing (``execution`` sections 2 and 5)."""
    books, asset = exchange.books, market.netuid + 1
    if market.used + plan.window > market.cap:
        return Refusal.WINDOW_FULL
    need = exchange.need(market)
    after = need - plan.alpha if sell else need + plan.alpha
    if market.value(abs(need)) > POSITION_CAPS * market.cap and abs(after) >= abs(need):
        return Refusal.POSITION_LIMIT
    if market.backed:
        if sell and books.house(TAO_ASSET) - plan.tao + fee < 0:
            return Refusal.NOT_BACKED
        if not sell and (books.position(market.netuid) - plan.alpha < 0 or books.house(asset) - plan.alpha < 0):
            return Refusal.NOT_BACKED
    return 0


def check_figures(exchange: Exchange, command: Record) -> None:
    """Refuse what makes no sense in itself."""
    flags = command["flags"]
    quote, limited = flags & Flag.IN_QUOTE, flags & Flag.LIMIT
    unsupported = flags & (Flag.FOK | Flag.POST_ONLY) or (limited and not flags & Flag.IOC)
    if unsupported or (quote and flags & Flag.SELL):
        raise Refused(Refusal.ORDER_TYPE_UNSUPPORTED, flags)
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
    if command["hold"] != 0 and command["hold"] < exchange.now:
        raise Refused(Refusal.DEADLINE_PASSED, exchange.now, command["hold"])


def make_plan(market: Market, command: Record, limit: int, *, beyond: int) -> Plan:
    """Plan an order on the market's mirror."""
    assert market.mirror is not None, "the gates are open"
    pool = market.mirror
    if command["flags"] & Flag.SELL:
        return plan_sell(pool, offered=command["amount"], limit=limit, beyond=beyond)
    if not command["flags"] & Flag.IN_QUOTE:
        return plan_buy(pool, cost=0, wanted=command["amount"], limit=limit, beyond=beyond)
    cost = cost_within(command["tao"], market.taker_ppm)
    if cost == 0:
        raise Unfillable(Refusal.DUST)
    return plan_buy(pool, cost=cost, wanted=0, limit=limit, beyond=beyond)


def place(exchange: Exchange, command: Record, text: bytes | None) -> int:
    """Accept an order, and fill it or close it with the reason; returns its id, 0 where it was only to be checked."""
    flags, account = command["flags"], command["account"]
    sell, limited = bool(flags & Flag.SELL), bool(flags & Flag.LIMIT)
    exchange.require_account(account)
    market = exchange.market(command["netuid"])
    verbs = (Verb.PLACE_LIMIT if limited else Verb.PLACE_MARKET) | (Verb.SELL if sell else Verb.BUY)
    if not stage_allows(market.stage, verbs):
        raise Refused(Refusal.MARKET_STAGE, market.stage)
    check_figures(exchange, command)
    limit = command["limit"] if limited else market_limit(market, sell=sell, slippage_ppm=command["aux"])
    beyond = int(Refusal.LIMIT_REACHED if limited else Refusal.SLIPPAGE_REACHED)
    plan, reason = None, why_closed(exchange, market)
    if not reason:
        try:
            plan = make_plan(market, command, limit, beyond=beyond)
        except Unfillable as unfillable:
            reason = int(unfillable.reason)
    fee = trading_fee(plan.tao, market.taker_ppm) if plan else 0
    if sell:
        needed, owned = command["amount"], exchange.books.free(account, market.netuid + 1)
    else:
        whole = (plan.tao if plan else 0) + fee
        needed = command["tao"] if flags & Flag.IN_QUOTE else whole
        owned = exchange.books.free(account, TAO_ASSET)
    if needed > owned:
        raise Refused(Refusal.INSUFFICIENT_FUNDS, needed, owned)
    if flags & Flag.VALIDATE_ONLY:
        return 0
    if plan and not reason:
        reason = int(why_not_now(exchange, market, plan, sell=sell, fee=fee))
    accepted = exchange.emit(
        EventKind.ORDER_ACCEPTED, **{name: command[name] for name in ORDER_FLAGS}, limit=limit, payload=text
    )
    accepted["order_id"] = accepted["seq"]
    reference = exchange.answer(command, accepted)
    if plan and not reason:
        fill(exchange, market, plan, account=account, order_id=accepted["seq"], sell=sell, fee=fee)
        reason = 0 if plan.whole else beyond
    exchange.emit(
        EventKind.ORDER_CLOSED,
        account=account,
        netuid=market.netuid,
        flags=flags & Flag.SELL,
        order_id=accepted["seq"],
        code=reason,
    )
    return reference


def fill(exchange: Exchange, market: Market, plan: Plan, *, account: int, order_id: int, sell: bool, fee: int) -> None:
    """Fill an order as planned: postings of section 4, mirror, window, covered alpha of section 7."""
    netuid, asset = market.netuid, market.netuid + 1
    exchange.emit(
        EventKind.FILLED,
        account=account,
        netuid=netuid,
        flags=int(Flag.SELL) if sell else 0,
        code=Mode.INSTANT,
        order_id=order_id,
        amount=plan.alpha,
        tao=plan.tao,
        fee=fee,
        limit=plan.window,
        pool_tao=plan.after.tao,
        pool_alpha=plan.after.alpha,
        aux=plan.pool_fee,
    )
    old, cut = exchange.uncovered.get((account, asset), (0, 0))
    if sell:
        exchange.books.post(
            ("free", account, 0, TAO_ASSET, plan.tao - fee),
            ("fees", 0, 0, TAO_ASSET, fee),
            ("trading", netuid, 0, TAO_ASSET, -plan.tao),
            ("free", account, 0, asset, -plan.alpha),
            ("trading", netuid, 0, asset, plan.alpha),
        )
        exchange.uncovered[account, asset] = old - min(plan.alpha, old), cut
    else:
        exchange.books.post(
            ("free", account, 0, TAO_ASSET, -(plan.tao + fee)),
            ("fees", 0, 0, TAO_ASSET, fee),
            ("trading", netuid, 0, TAO_ASSET, plan.tao),
            ("free", account, 0, asset, plan.alpha),
            ("trading", netuid, 0, asset, -plan.alpha),
        )
        still = old if cut > market.final_cut else 0
        exchange.uncovered[account, asset] = still + plan.alpha, market.open_cut
        market.bought_cut = market.open_cut
    market.mirror = plan.after
    market.used += plan.window
    market.fills += 1
