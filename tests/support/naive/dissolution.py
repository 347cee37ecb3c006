"""The end of a subnet: custody is closed, orders and requests end, and the payout is shared (``execution`` 10)."""

from collections.abc import Callable

from ledger.engine.layout import (
    NO_NETUID,
    TAO_ASSET,
    AccountClass,
    Dissolved,
    EventKind,
    Flag,
    Job,
    JobState,
    OrderState,
    Stage,
)
from ledger.engine.parameters import CLAIMS_PER_STEP
from ledger.errors import Refusal
from tests.support.naive import jobs, stops, trades
from tests.support.naive.exchange import Exchange, Market, OpenJob, Order, Record
from tests.support.naive.setup import mirror_fields

HOUSE_CLASSES = (
    ("rewards_idle", AccountClass.REWARDS_IDLE),
    ("fees", AccountClass.HOUSE_FEES),
    ("earn", AccountClass.HOUSE_EARN),
    ("chain_fees", AccountClass.HOUSE_CHAIN_FEES),
    ("rounding", AccountClass.HOUSE_ROUNDING),
    ("capital", AccountClass.HOUSE_CAPITAL),
)


def seen(exchange: Exchange, record: Record, _text: bytes | None) -> None:
    """Take over what the chain paid one of our keys for a subnet that is no more, and close its custody."""
    market, key, payout = exchange.markets.get(record["netuid"]), record["key"], record["tao"]
    if market is None or market.dissolved in {Dissolved.SHARING, Dissolved.SHARED}:
        suspend(exchange, record)
        return
    if market.stage < Stage.DELISTING:
        exchange.emit(EventKind.STAGE_CHANGED, netuid=market.netuid, code=Stage.DELISTING, aux=market.stage)
        market.stage = Stage.DELISTING
    first = market.dissolved == 0
    exchange.emit(EventKind.MARKET_DISSOLVED, netuid=market.netuid, key=key, tao=payout)
    exchange.books.post(("custody_free", key, 0, TAO_ASSET, -payout), ("trading", market.netuid, 0, TAO_ASSET, payout))
    market.dissolved, market.payout = Dissolved.WAITING, market.payout + payout
    if market.item:
        market.item.house = market.item.amount
    if first:
        close_custody(exchange, market)


def suspend(exchange: Exchange, record: Record) -> None:
    """Put aside a payout that no share-out waits for."""
    if record["tao"] == 0:
        return
    exchange.emit(
        EventKind.DEPOSIT_SUSPENDED,
        key=record["key"],
        netuid=NO_NETUID,
        amount=record["tao"],
        tao=exchange.head,
        code=Refusal.MARKET_DISSOLVED,
    )
    exchange.books.post(
        ("custody_free", record["key"], 0, TAO_ASSET, -record["tao"]), ("suspense", 0, 0, TAO_ASSET, record["tao"])
    )


def close_custody(exchange: Exchange, market: Market) -> None:
    """Close our stake positions of the alpha, in the order in which they were first used."""
    asset = market.netuid + 1
    places = [place for place in exchange.books.amounts if place[0][0] == "custody_stake" and place[1] == asset]
    for (_, key, hotkey), _ in places:
        amount = exchange.books.custody_stake(key, hotkey, market.netuid)
        if amount == 0:
            continue
        exchange.emit(
            EventKind.STAKE_CLOSED, key=key, other=hotkey, netuid=market.netuid, flags=int(Flag.ALPHA), amount=amount
        )
        exchange.books.post(
            ("custody_stake", key, hotkey, asset, amount), ("trading", market.netuid, 0, asset, -amount)
        )
        market.claims += amount


def at_head_end(exchange: Exchange) -> None:
    """End what is open in dissolved markets, and share the payouts out."""
    for market in exchange.ascending():
        if market.dissolved == Dissolved.WAITING:
            end_orders(exchange, market)
            for job in list(exchange.jobs.values()):
                withdrawal = job.job == Job.WITHDRAWAL and job.alpha and job.netuid == market.netuid
                if withdrawal and job.state == JobState.REQUESTED:
                    jobs.release(exchange, job)
        if market.dissolved in {Dissolved.WAITING, Dissolved.SHARING} and is_still(exchange, market):
            share(exchange, market)


def end_orders(exchange: Exchange, market: Market) -> None:
    """Close every order of a market, shelf by shelf, and end its firm quotes."""
    for sell in (False, True):
        for order in exchange.shelf(market, OrderState.RESTING, sell=sell):
            trades.close(exchange, order, Refusal.ORDER_OF_DISSOLVED)
    for sell in (False, True):
        for order in exchange.shelf(market, OrderState.QUEUED, sell=sell):
            trades.close(exchange, order, Refusal.ORDER_OF_DISSOLVED)
    for on_index in (False, True):
        for rising in (True, False):
            for order in armed(exchange, market, on_index=on_index, rising=rising):
                trades.close(exchange, order, Refusal.ORDER_OF_DISSOLVED)
    for order in exchange.in_state(market, OrderState.IN_FLIGHT):
        trades.close(exchange, order, Refusal.ORDER_OF_DISSOLVED)
    quotes = exchange.in_state(market, OrderState.QUOTE)
    for order in sorted(quotes, key=lambda order: (order.expires, order.order_id)):
        end_quote(exchange, market, order)


def armed(exchange: Exchange, market: Market, *, on_index: bool, rising: bool) -> list[Order]:
    """Return the orders that wait for one price from one side, the nearest first."""
    sign = 1 if rising else -1
    key: Callable[[Order], tuple[int, int]] = lambda order: (sign * order.trigger, order.priority)  # noqa: E731
    waits = exchange.in_state(market, OrderState.ARMED)
    return sorted(
        (order for order in waits if (stops.on_index(order), stops.rises(order)) == (on_index, rising)), key=key
    )


def end_quote(exchange: Exchange, market: Market, order: Order) -> None:
    """End a firm quote: the hold goes back, the mirror is built anew."""
    event = exchange.emit(
        EventKind.QUOTE_ENDED, **trades.name(order), code=int(Refusal.ORDER_OF_DISSOLVED), hold=order.held
    )
    trades.rehold(exchange, order, 0)
    trades.forget_quote(exchange, market, order)
    exchange.rebuild(market)
    event |= mirror_fields(market)


def concerns(job: OpenJob, market: Market) -> bool:
    """Tell whether an open job moves a market's alpha."""
    return job.alpha and job.netuid == market.netuid


def is_still(exchange: Exchange, market: Market) -> bool:
    """Tell whether nothing is open any more that moves a market's alpha."""
    asset = market.netuid + 1
    moving = any(concerns(job, market) for job in exchange.jobs.values())
    bound = exchange.books.total({"held", "withdrawing"}, asset)
    return market.item is None and not moving and bound == 0


def share(exchange: Exchange, market: Market) -> None:
    """Pay claims by ascending account, by differences of cumulative floors; then end the house's alpha."""
    asset = market.netuid + 1
    first = max(market.next_claim, 1)
    last = min(first + CLAIMS_PER_STEP - 1, exchange.accounts)
    for account in range(first, last + 1):
        alpha = exchange.books.free(account, asset)
        if alpha:
            pay(exchange, market, account, alpha)
    if last < exchange.accounts:
        market.next_claim = last + 1
        return
    suspended = exchange.books.suspense(asset)
    if suspended > 0:
        pay(exchange, market, 0, suspended)
    end_house(exchange, market)


def pay(exchange: Exchange, market: Market, account: int, alpha: int) -> None:
    """Pay one claim."""
    asset = market.netuid + 1
    whole = market.claims + max(-exchange.books.suspense(asset), 0)
    before, after = market.claimed, market.claimed + alpha
    tao = market.payout * after // whole - market.payout * before // whole if whole > 0 else 0
    exchange.emit(EventKind.CLAIM_PAID, account=account, netuid=market.netuid, amount=alpha, tao=tao)
    owner = ("free", account) if account else ("suspense", 0)
    exchange.books.post(
        (*owner, 0, asset, -alpha),
        ("trading", market.netuid, 0, asset, alpha),
        (*owner, 0, TAO_ASSET, tao),
        ("trading", market.netuid, 0, TAO_ASSET, -tao),
    )
    market.dissolved, market.claimed, market.next_claim = Dissolved.SHARING, after, account + 1


def end_house(exchange: Exchange, market: Market) -> None:
    """Move what house accounts still say of the alpha to where its ends meet, and delist the market."""
    asset, netuid = market.netuid + 1, market.netuid
    for name, account_class in HOUSE_CLASSES:
        first = netuid if name == "rewards_idle" else 0
        amount = exchange.books.get(name, asset, first)
        if amount:
            exchange.emit(EventKind.HOUSE_CLAIM_PAID, netuid=netuid, code=int(account_class), amount=amount)
            exchange.books.post((name, first, 0, asset, -amount), ("trading", netuid, 0, asset, amount))
    exchange.emit(EventKind.STAGE_CHANGED, netuid=netuid, code=Stage.DELISTED, aux=market.stage)
    market.stage, market.dissolved = Stage.DELISTED, Dissolved.SHARED
