"""What becomes of orders and money: every event of an order, with its postings (``execution`` section 4)."""

from amm.exchange_reference import trading_fee
from amm.reference import Pool
from ledger.engine.layout import TAO_ASSET, EventKind, Flag, Mode, OrderState
from ledger.engine.parameters import DAY_MS
from ledger.engine.tables import VOLUME_UNIT
from tests.support.naive.exchange import INT64_MAX, RAO, Exchange, Market, Order, Record

VOLUME_DAYS = 31
ABSURD_HOLD = INT64_MAX // 2


def cost_up(alpha: int, price: int) -> int:
    """Return what alpha costs at a price, rounded up."""
    return -(-alpha * price // RAO)


def hold_of(order: Order, limit: int) -> int:
    """Return what an order that is not held yet needs at a limit: the rest and its fee as taker.

    More than anybody owns is told as ``ABSURD_HOLD``, whatever it would be.
    """
    if order.sell:
        return order.open
    if order.quote:
        return order.total - order.tao - order.fee
    cost = cost_up(order.open, limit)
    if cost > INT64_MAX // 4:
        return ABSURD_HOLD
    return cost + trading_fee(order.tao + cost, order.taker_ppm) - trading_fee(order.tao, order.taker_ppm)


def fee_of(order: Order, tao: int, *, maker: bool) -> int:
    """Return the fee of a part; a buyer that pays out of its hold never pays more than what is held."""
    ppm = order.maker_ppm if maker else order.taker_ppm
    fee = trading_fee(order.tao + tao, ppm) - trading_fee(order.tao, ppm)
    if not order.sell and order.held > 0:
        fee = min(fee, order.held - tao)
    return fee


def take_part(order: Order, alpha: int, tao: int, fee: int, paid: int) -> int:
    """Add a part to an order; returns what is released out of its hold for it."""
    old = order.held
    order.alpha += alpha
    order.tao += tao
    order.fee += fee
    if old == 0:
        return 0
    order.held = min(hold_of(order, order.limit), old - paid)
    return old - order.held


def rehold(exchange: Exchange, order: Order, hold: int) -> int:
    """Hold another amount for an order; returns the change."""
    change = hold - order.held
    exchange.books.post(
        ("free", order.account, 0, order.asset, -change), ("held", order.account, 0, order.asset, change)
    )
    order.held = hold
    return change


def name(order: Order) -> dict[str, int]:
    """Return the fields by which events name an order."""
    return {
        "account": order.account,
        "netuid": order.netuid,
        "flags": int(order.flags & Flag.SELL),
        "order_id": order.order_id,
    }


def close(exchange: Exchange, order: Order, reason: int) -> Record:
    """Close an order: what is held for it goes back, and nothing remembers it."""
    event = exchange.emit(EventKind.ORDER_CLOSED, **name(order), code=int(reason), hold=order.held)
    rehold(exchange, order, 0)
    del exchange.orders[order.order_id]
    return event


def forget_quote(exchange: Exchange, market: Market, order: Order) -> None:
    """Take a firm quote out of what is counted in windows and pending."""
    market.firm_pending -= -order.amount if order.sell else order.amount
    market.firm_used -= order.limit
    del exchange.orders[order.order_id]


def rest(exchange: Exchange, order: Order, hold: int, *, kept: bool) -> None:
    """Put an order into the book."""
    event = exchange.emit(EventKind.ORDER_RESTED, **name(order), amount=order.open, limit=order.limit, code=int(kept))
    event["hold"] = rehold(exchange, order, hold)
    order.state, order.flight = OrderState.RESTING, 0
    if not kept:
        order.priority = event["seq"]


def queue(exchange: Exchange, order: Order, hold: int, reason: int) -> None:
    """Let an order wait for the next cut."""
    event = exchange.emit(EventKind.ORDER_QUEUED, **name(order), amount=order.open, limit=order.limit, code=int(reason))
    event["hold"] = rehold(exchange, order, hold)
    order.state, order.flight = OrderState.QUEUED, 0


def note_trade(exchange: Exchange, market: Market, alpha: int, tao: int) -> None:
    """Keep the price of the last trade."""
    market.last = min(tao * RAO // alpha, 2**63 - 1) if alpha > 0 else 0
    market.traded = exchange.seq


def note_volume(exchange: Exchange, account: int, tao: int) -> None:
    """Count a trade into the account's volume of today."""
    today, days = exchange.now // DAY_MS, exchange.volumes.setdefault(account, {})
    days[today] = days.get(today, 0) + tao // VOLUME_UNIT


def note_sold(exchange: Exchange, market: Market, account: int, alpha: int) -> tuple[int, int]:
    """Take uncovered alpha first out of what a customer gives; returns that part and its cut."""
    old, cut = exchange.uncovered.get((account, market.netuid + 1), (0, 0))
    old = old if cut > market.final_cut else 0
    given = min(old, alpha)
    exchange.uncovered[account, market.netuid + 1] = old - given, cut
    return given, cut


def note_bought(exchange: Exchange, market: Market, account: int, alpha: int, cut: int) -> None:
    """Let bought alpha wait for a cut."""
    old, before = exchange.uncovered.get((account, market.netuid + 1), (0, 0))
    old = old if before > market.final_cut else 0
    exchange.uncovered[account, market.netuid + 1] = old + alpha, max(cut, before)


def post_fill(
    exchange: Exchange, order: Order, market: Market, *, alpha: int, tao: int, fee: int, released: int, rounding: int
) -> None:
    """Post a trade of a customer with the house."""
    account, asset, netuid = order.account, market.netuid + 1, market.netuid
    exchange.books.post(
        ("fees", 0, 0, TAO_ASSET, fee),
        ("rounding", 0, 0, TAO_ASSET, -rounding),
        ("held", account, 0, order.asset, -released),
        ("free", account, 0, order.asset, released),
        ("free", account, 0, TAO_ASSET, (tao if order.sell else -tao) - fee + rounding),
        ("trading", netuid, 0, TAO_ASSET, -tao if order.sell else tao),
        ("free", account, 0, asset, -alpha if order.sell else alpha),
        ("trading", netuid, 0, asset, alpha if order.sell else -alpha),
    )


def fill(
    exchange: Exchange,
    order: Order,
    market: Market,
    *,
    mode: Mode,
    alpha: int,
    tao: int,
    window: int = 0,
    pool_fee: int = 0,
    after: Pool | None = None,
    maker: bool = False,
    rounding: int = 0,
) -> None:
    """Fill an order against the house: postings, mirror, window, covered alpha (section 7)."""
    fee = fee_of(order, tao, maker=maker)
    if mode == Mode.BLOCK and order.sell:
        fee = trading_fee(tao, order.taker_ppm)  # the known answers of block mode: each part of a sale by itself
    released = take_part(order, alpha, tao, fee, alpha if order.sell else tao + fee)
    mirror = after or market.mirror
    exchange.emit(
        EventKind.FILLED,
        account=order.account,
        netuid=market.netuid,
        flags=int(order.flags & Flag.SELL) | (int(Flag.MAKER) if maker else 0),
        code=int(mode),
        order_id=order.order_id,
        amount=alpha,
        tao=tao,
        fee=fee,
        limit=window,
        hold=released,
        pool_tao=mirror.tao if mirror else 0,
        pool_alpha=mirror.alpha if mirror else 0,
        aux=pool_fee,
        id_hi=rounding,
    )
    post_fill(exchange, order, market, alpha=alpha, tao=tao, fee=fee, released=released, rounding=rounding)
    if order.sell:
        note_sold(exchange, market, order.account, alpha)
    elif mode == Mode.INSTANT:
        note_bought(exchange, market, order.account, alpha, market.open_cut)
        market.bought_cut = market.open_cut
    if after:
        market.step_to(after)
    market.used += window
    note_trade(exchange, market, alpha, tao)
    note_volume(exchange, order.account, tao)


def cross(exchange: Exchange, taker: Order, maker: Order, market: Market, *, alpha: int, tao: int) -> None:
    """Let a taker trade with a resting order at its limit; the house has no part in it but the fees."""
    taker_fee, maker_fee = fee_of(taker, tao, maker=False), fee_of(maker, tao, maker=True)
    taker_released = take_part(taker, alpha, tao, taker_fee, alpha if taker.sell else tao + taker_fee)
    maker_released = take_part(maker, alpha, tao, maker_fee, alpha if maker.sell else tao + maker_fee)
    exchange.emit(
        EventKind.CROSSED,
        account=taker.account,
        other=maker.account,
        netuid=market.netuid,
        flags=int(taker.flags & Flag.SELL),
        order_id=taker.order_id,
        aux=maker.order_id,
        amount=alpha,
        tao=tao,
        fee=taker_fee,
        limit=maker_fee,
        hold=taker_released,
        pool_tao=maker_released,
        pool_alpha=maker.limit,
    )
    buyer, seller = (maker, taker) if taker.sell else (taker, maker)
    buyer_fee, seller_fee = (maker_fee, taker_fee) if taker.sell else (taker_fee, maker_fee)
    buyer_released, seller_released = (
        (maker_released, taker_released) if taker.sell else (taker_released, maker_released)
    )
    asset = market.netuid + 1
    exchange.books.post(
        ("held", buyer.account, 0, TAO_ASSET, -buyer_released),
        ("held", seller.account, 0, asset, -seller_released),
        ("free", buyer.account, 0, TAO_ASSET, buyer_released - tao - buyer_fee),
        ("free", seller.account, 0, asset, seller_released - alpha),
        ("free", seller.account, 0, TAO_ASSET, tao - seller_fee),
        ("free", buyer.account, 0, asset, alpha),
        ("fees", 0, 0, TAO_ASSET, taker_fee + maker_fee),
    )
    given, cut = note_sold(exchange, market, seller.account, alpha)
    if given:
        note_bought(exchange, market, buyer.account, given, cut)
    note_trade(exchange, market, alpha, tao)
    note_volume(exchange, buyer.account, tao)
    note_volume(exchange, seller.account, tao)
