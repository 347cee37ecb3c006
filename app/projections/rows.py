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


class AmendRow(NamedTuple):
    """One change of an order by its owner: what it was told to be; ``is_kept``: it kept its place in time."""

    seq: int
    order_id: int
    account: int
    volume: int
    limit_price: int
    trigger_price: int
    is_kept: bool
    ts_ms: int


class FillRow(NamedTuple):
    """One execution of one order; ``order_flags`` and ``order_traits`` are those of its order.

    ``head`` to ``fee_rate`` are the pool at the last head before it (zeros without one), the mirror is that before it,
    ``booked_at`` the head that the ledger stood at.
    """

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
    head: int
    head_hash: bytes
    head_tao: int
    head_alpha: int
    weight: int
    fee_rate: int
    mirror_tao: int
    mirror_alpha: int
    booked_at: int
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


class QuoteRow(NamedTuple):
    """One firm quote; ``state`` is live, taken or ended, ``reason`` the code that ended it, ``fill`` its fill."""

    quote_id: int
    account: int
    netuid: int
    is_sell: bool
    alpha: int
    tao: int
    fee: int
    issued_ms: int
    expires_ms: int
    head: int
    head_hash: bytes
    head_tao: int
    head_alpha: int
    weight: int
    fee_rate: int
    mirror_tao: int
    mirror_alpha: int
    state: str
    reason: int
    fill: int


class TransferRow(NamedTuple):
    """One deposit (``height``, and ``reason`` where it is suspended) or withdrawal (``fee``, ``address_id``)."""

    seq: int
    account: int
    is_deposit: bool
    asset: int
    amount: int
    fee: int
    address_id: int
    height: int
    reason: int
    ts_ms: int
    state: str
    tx: str
