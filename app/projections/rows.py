"""Rows of history as readers get them; amounts rao, prices rao of TAO per whole alpha, times ms."""

from typing import Any, NamedTuple


class OrderRow(NamedTuple):
    """One order; ``reason`` is -1 while open and 0 when filled, ``flags``, ``traits`` and ``state`` as the engine's."""

    order_id: int
    account: int
    netuid: int
    flags: int
    traits: int
    volume: int
    quote: int
    limit_price: int
    trigger_price: int
    slippage_ppm: int
    expires_s: int
    taker_ppm: int
    maker_ppm: int
    userref: int
    cl_ord_id: str
    opened_ms: int
    state: int
    waits: int
    is_triggered: bool
    is_cancelling: bool
    executed: int
    cost: int
    fee: int
    amends: int
    last_seq: int
    closed_seq: int
    closed_ms: int
    reason: int


class FillRow(NamedTuple):
    """One execution of one order; ``order_flags`` and ``order_traits`` are those of its order."""

    number: int
    seq: int
    order_id: int
    account: int
    netuid: int
    is_sell: bool
    is_maker: bool
    mode: int
    volume: int
    cost: int
    fee: int
    ts_ms: int
    trade_id: int
    order_flags: int
    order_traits: int


class TradeRow(NamedTuple):
    """One public trade; ``is_limit`` tells of the taker's order."""

    seq: int
    netuid: int
    trade_id: int
    order_id: int
    price: int
    volume: int
    cost: int
    is_sell: bool
    ts_ms: int
    is_limit: bool


class EntryRow(NamedTuple):
    """One ledger entry: ``balance`` after = balance before + ``amount`` - ``fee``."""

    number: int
    reference: int
    account: int
    asset: int
    kind: str
    amount: int
    fee: int
    balance: int
    ts_ms: int


class CandleRow(NamedTuple):
    """One bucket in which something happened."""

    netuid: int
    minutes: int
    start_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    cost: int
    trades: int


class RewardRow(NamedTuple):
    """One growth of a position (``account`` 0), or what a customer was paid."""

    seq: int
    account: int
    netuid: int
    key: int
    hotkey: int
    amount: int
    commission: int
    house_part: int
    ts_ms: int


class AuditRow(NamedTuple):
    """One event worth keeping; ``details`` by the names of its meanings."""

    seq: int
    category: str
    kind: str
    account: int
    netuid: int
    code: int
    details: dict[str, Any]
    ts_ms: int
