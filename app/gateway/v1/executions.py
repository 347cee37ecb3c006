"""Orders and fills by id, each fill with its execution report."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from amm.units import format_decimal
from app.gateway.auth import Permission
from app.gateway.folds.orders import Order, order_of_row
from app.gateway.folds.pools import PoolAt
from app.gateway.folds.trades import trade_price
from app.gateway.kraken.envelope import price_text, rfc3339
from app.gateway.kraken.ids import ORDER, TRADE, decode_id
from app.gateway.kraken.refusals import closing_reason
from app.gateway.kraken.render import order_id, order_status, trade_id
from app.gateway.parts import Parts
from app.gateway.problems import Problem
from app.gateway.replica import Replica
from app.gateway.reports import Alone, alone_on_chain
from app.gateway.v1.signed import account_history, signed_caller
from app.projections.rows import FillRow
from ledger.engine.layout import Flag, Mode

NUMBER_MAX = 2**63 - 1


class ChainModel(BaseModel):
    """What the same fill alone on the chain would have cost or brought, on the pool at the head before it.

    ``cost`` for the same volume, ``volume`` for the same cost (buys); ``improvement`` is the TAO that the customer was
    better off by, before trading fees; negative: worse. The chain's fee for an extrinsic is not counted.
    """

    cost: str
    volume: str
    improvement: str


class FillModel(BaseModel):
    """One fill with its report: amounts in whole TAO and alpha, ``cost`` before the trading ``fee``.

    ``head`` and ``head_hash`` are the finalised head whose pool it is compared with, ``booked_at`` the head that the
    ledger stood at; ``reserve_tao`` and ``reserve_alpha`` the mirror before the fill.
    """

    id: str
    number: int
    order: str
    trade_id: int
    symbol: str
    side: str
    role: str
    mode: str
    volume: str
    cost: str
    price: str
    fee: str
    time: str
    head: int
    head_hash: str
    booked_at: int
    reserve_tao: str
    reserve_alpha: str
    head_tao: str
    head_alpha: str
    chain: ChainModel | None


class OrderModel(BaseModel):
    """One order with its fills; ``chain`` compares all that it executed with one swap at the head before its first."""

    id: str
    symbol: str
    side: str
    ordertype: str
    status: str
    state: str | None
    reason: str | None
    volume: str | None
    total: str | None
    limit_price: str | None
    trigger_price: str | None
    executed: str
    cost: str
    fee: str
    opened_at: str
    closed_at: str | None
    chain: ChainModel | None
    fills: list[FillModel]


def executions_router(parts: Parts) -> APIRouter:
    """Return the routes over these parts."""
    router = APIRouter(prefix="/v1", tags=["executions"])

    @router.get("/orders/{order}")
    async def read_order(order: str, http: Request) -> OrderModel:
        """Return an order of the account with the report of each of its fills."""
        caller = await signed_caller(http, parts, Permission.QUERY_CLOSED_ORDERS)
        account, number = caller.api_key.account, decode_id(ORDER, order) or 0
        reads = await account_history(parts, account, "orders", "trades")
        found = await reads.orders_by_id(account, [number])
        if not found:
            raise Problem(404, "unknown_order", "No such order of this account", value=order[:64])
        return order_model(parts.replica, order_of_row(found[0]), await reads.fills_of_orders(account, [number]))

    @router.get("/fills/{fill}")
    async def read_fill(fill: str, http: Request) -> FillModel:
        """Return a fill of the account with its execution report; by its id, or the number that a quote tells."""
        caller = await signed_caller(http, parts, Permission.QUERY_CLOSED_ORDERS)
        is_number = fill.isascii() and fill.isdecimal() and len(fill) <= 20
        number = int(fill) if is_number else decode_id(TRADE, fill) or 0
        account = caller.api_key.account
        reads = await account_history(parts, account, "orders", "trades")
        found = await reads.fills_by_number(account, [number]) if number <= NUMBER_MAX else []
        if not found:
            raise Problem(404, "unknown_fill", "No such fill of this account", value=fill[:64])
        return fill_model(parts.replica, found[0])

    return router


def order_model(replica: Replica, order: Order, fills: list[FillRow]) -> OrderModel:
    """Return an order as ``/v1`` tells it."""
    in_quote = Flag.IN_QUOTE in order.flags
    return OrderModel(
        id=order_id(order.seq),
        symbol=replica.names.pair_of(order.netuid).wsname,
        side="sell" if order.is_sell else "buy",
        ordertype=order.ordertype,
        status=order_status(order),
        state=order.state.name.lower() if order.is_open else None,
        reason=closing_reason(order.reason or order.waits),
        volume=None if in_quote else format_decimal(order.volume),
        total=format_decimal(order.quote) if in_quote else None,
        limit_price=price_text(order.limit) if order.is_limit else None,
        trigger_price=price_text(order.trigger) if order.is_stop else None,
        executed=format_decimal(order.executed),
        cost=format_decimal(order.cost),
        fee=format_decimal(order.fee),
        opened_at=rfc3339(order.opened_ms),
        closed_at=None if order.is_open else rfc3339(order.closed_ms),
        chain=_chain_model(fills[0], volume=order.executed, cost=order.cost) if fills else None,
        fills=[fill_model(replica, fill) for fill in fills],
    )


def fill_model(replica: Replica, fill: FillRow) -> FillModel:
    """Return a fill with its execution report."""
    return FillModel(
        id=trade_id(fill.number),
        number=fill.number,
        order=order_id(fill.order_id),
        trade_id=fill.trade_id,
        symbol=replica.names.pair_of(fill.netuid).wsname,
        side="sell" if fill.is_sell else "buy",
        role="maker" if fill.is_maker else "taker",
        mode=Mode(fill.mode).name.lower(),
        volume=format_decimal(fill.volume),
        cost=format_decimal(fill.cost),
        price=price_text(trade_price(fill.cost, fill.volume)),
        fee=format_decimal(fill.fee),
        time=rfc3339(fill.ts_ms),
        head=fill.head,
        head_hash=f"0x{fill.head_hash.hex()}" if fill.head else "",
        booked_at=fill.booked_at,
        reserve_tao=format_decimal(fill.mirror_tao),
        reserve_alpha=format_decimal(fill.mirror_alpha),
        head_tao=format_decimal(fill.head_tao),
        head_alpha=format_decimal(fill.head_alpha),
        chain=_chain_model(fill, volume=fill.volume, cost=fill.cost),
    )


def _chain_model(fill: FillRow, *, volume: int, cost: int) -> ChainModel | None:
    alone: Alone | None = None
    if fill.head:
        figures = (fill.head_tao, fill.head_alpha, fill.weight, fill.fee_rate)
        pool = PoolAt(fill.head, fill.head_hash, *figures)
        alone = alone_on_chain(pool, is_sell=fill.is_sell, volume=volume, cost=cost)
    if alone is None:
        return None
    return ChainModel(
        cost=format_decimal(alone.tao),
        volume=format_decimal(alone.alpha),
        improvement=format_decimal(alone.improvement),
    )
