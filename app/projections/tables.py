"""The tables of history as SQLAlchemy knows them; revisions 0010 and 0012 make them.

Amounts are rao, prices rao of TAO per whole alpha, times ms since 1970 of the log, ``netuid`` and ``asset`` as in
``ledger/engine/layout.py``. Sums over time (candles) are numeric, since they have no bound.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData()


def _column(
    name: str, kind: type[BigInteger | Boolean | Integer | SmallInteger | Text | JSONB | LargeBinary]
) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _key(name: str, kind: type[BigInteger | Integer | Text] = BigInteger) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _sum(name: str) -> Column[Any]:
    return Column(name, Numeric(38, 0), nullable=False)


def _priced() -> tuple[Column[Any], ...]:
    """Return the columns of what something was priced by: the pool at a head (zeros without one), and the mirror."""
    return (
        _column("head", BigInteger),
        _column("head_hash", LargeBinary),
        _column("head_tao", BigInteger),
        _column("head_alpha", BigInteger),
        _column("weight", BigInteger),  # of TAO, in parts of 10^18
        _column("fee_rate", Integer),  # in parts of 65 535
        _column("mirror_tao", BigInteger),
        _column("mirror_alpha", BigInteger),
    )


CHECKPOINTS = Table(
    "projections",
    METADATA,
    _key("name", Text),
    _column("version", Integer),
    _column("batch", BigInteger),
    _column("seq", BigInteger),
    _column("hash", LargeBinary),
    _column("ts_ms", BigInteger),
)
"""How far each projection is: the head of the log that its rows reflect."""

ORDERS = Table(
    "history_orders",
    METADATA,
    _key("order_id"),
    _column("account", BigInteger),
    _column("netuid", Integer),
    _column("flags", Integer),
    _column("traits", Integer),
    _column("volume", BigInteger),
    _column("quote", BigInteger),
    _column("limit_price", BigInteger),
    _column("trigger_price", BigInteger),
    _column("slippage_ppm", BigInteger),
    _column("expires_s", BigInteger),
    _column("taker_ppm", BigInteger),
    _column("maker_ppm", BigInteger),
    _column("userref", BigInteger),
    _column("cl_ord_id", Text),
    _column("opened_ms", BigInteger),
    _column("state", SmallInteger),  # OrderState; what it was last, once closed
    _column("waits", Integer),  # refusal code that keeps it from being filled at once, 0: none
    _column("is_triggered", Boolean),
    _column("is_cancelling", Boolean),
    _column("executed", BigInteger),
    _column("cost", BigInteger),
    _column("fee", BigInteger),
    _column("amends", Integer),
    _column("last_seq", BigInteger),
    _column("closed_seq", BigInteger),  # 0 while open
    _column("closed_ms", BigInteger),
    _column("reason", Integer),  # 0 filled, else ledger/errors.py; -1 while open
    Index("history_orders_account", "account", "order_id"),
    Index("history_orders_closed", "account", "closed_seq", postgresql_where=text("closed_seq > 0")),
    Index("history_orders_client_id", "account", "cl_ord_id", "order_id", postgresql_where=text("cl_ord_id <> ''")),
)

AMENDS = Table(
    "history_amends",
    METADATA,
    _key("seq"),
    _column("order_id", BigInteger),
    _column("account", BigInteger),
    _column("volume", BigInteger),
    _column("limit_price", BigInteger),
    _column("trigger_price", BigInteger),
    _column("is_kept", Boolean),  # its place in time
    _column("ts_ms", BigInteger),
    Index("history_amends_order", "order_id", "seq"),
)

FILLS = Table(
    "history_fills",
    METADATA,
    _key("number"),  # twice the seq of the event, plus 1 for the resting side of a cross
    _column("seq", BigInteger),
    _column("order_id", BigInteger),
    _column("account", BigInteger),
    _column("netuid", Integer),
    _column("is_sell", Boolean),
    _column("is_maker", Boolean),
    _column("mode", SmallInteger),
    _column("volume", BigInteger),
    _column("cost", BigInteger),  # as the customer paid or got it, before the fee
    _column("fee", BigInteger),
    _column("ts_ms", BigInteger),
    _column("trade_id", BigInteger),
    *_priced(),  # the pool at the head before it, and the mirror before it
    _column("booked_at", BigInteger),  # height of the head that the ledger stood at
    Index("history_fills_account", "account", "number"),
    Index("history_fills_order", "order_id", "number"),
)

TRADES = Table(
    "history_trades",
    METADATA,
    _key("seq"),
    _column("netuid", Integer),
    _column("trade_id", BigInteger),  # counts per market from 1
    _column("order_id", BigInteger),  # of the taker; 0 for the internal match of a cut
    _column("price", BigInteger),
    _column("volume", BigInteger),
    _column("cost", BigInteger),
    _column("is_sell", Boolean),
    _column("ts_ms", BigInteger),
    Index("history_trades_market", "netuid", "seq"),
)

TRADE_COUNTS = Table("history_trade_counts", METADATA, _key("netuid", Integer), _column("last_id", BigInteger))

POOLS = Table("history_pools", METADATA, _key("netuid", Integer), *_priced())
"""What the next trade of each market will be compared with; the row ``NO_NETUID`` is the last head itself."""

QUOTES = Table(
    "history_quotes",
    METADATA,
    _key("quote_id"),
    _column("account", BigInteger),
    _column("netuid", Integer),
    _column("is_sell", Boolean),
    _column("alpha", BigInteger),
    _column("tao", BigInteger),
    _column("fee", BigInteger),
    _column("issued_ms", BigInteger),
    _column("expires_ms", BigInteger),
    *_priced(),
    _column("state", Text),  # live, taken, ended
    _column("reason", Integer),  # why it ended, ledger/errors.py
    _column("fill", BigInteger),  # its fill's number once taken
    Index("history_quotes_live", "quote_id", postgresql_where=text("state = 'live'")),
)

ENTRIES = Table(
    "history_entries",
    METADATA,
    _key("number"),  # four times the seq of the event, plus the place among at most four
    _column("reference", BigInteger),
    _column("account", BigInteger),
    _column("asset", Integer),
    _column("kind", Text),
    _column("amount", BigInteger),
    _column("fee", BigInteger),
    _column("balance", BigInteger),
    _column("ts_ms", BigInteger),
    Index("history_entries_account", "account", "number"),
)

BALANCES = Table(
    "history_balances",
    METADATA,
    _key("account"),
    _key("asset", Integer),
    _column("balance", BigInteger),
)
"""What each customer owns of each asset, held amounts included, after the last entry."""

CANDLES = Table(
    "history_candles",
    METADATA,
    _key("netuid", Integer),
    _key("minutes", Integer),
    _key("start_ms"),
    _column("open", BigInteger),
    _column("high", BigInteger),
    _column("low", BigInteger),
    _column("close", BigInteger),
    _sum("volume"),
    _sum("cost"),
    _column("trades", BigInteger),
)

REWARDS = Table(
    "history_rewards",
    METADATA,
    _key("seq"),
    _column("account", BigInteger),  # 0: growth of a position, before it is shared
    _column("netuid", Integer),
    _column("key", BigInteger),
    _column("hotkey", BigInteger),
    _column("amount", BigInteger),  # the customers' part
    _column("commission", BigInteger),
    _column("house_part", BigInteger),
    _column("ts_ms", BigInteger),
    Index("history_rewards_account", "account", "seq"),
)

AUDIT = Table(
    "history_audit",
    METADATA,
    _key("seq"),
    _column("category", Text),
    _column("kind", Text),
    _column("account", BigInteger),
    _column("netuid", Integer),
    _column("code", Integer),
    _column("details", JSONB),
    _column("ts_ms", BigInteger),
    Index("history_audit_category", "category", "seq"),
)

HEADS = Table(
    "history_heads",
    METADATA,
    _key("seq"),  # of the head's end
    _column("number", BigInteger),
    _column("hash", LargeBinary),
    _column("block_ms", BigInteger),
    _column("differences", BigInteger),  # that reconciliation found
    _column("checked", BigInteger),  # positions that it looked at
)

DIFFERENCES = Table(
    "history_differences",
    METADATA,
    _key("seq"),
    _column("height", BigInteger),
    _column("key", BigInteger),
    _column("hotkey", BigInteger),
    _column("netuid", Integer),
    _column("is_alpha", Boolean),
    _column("amount", BigInteger),  # chain less ledger
)

TRANSFERS = Table(
    "history_transfers",
    METADATA,
    _key("seq"),  # of the deposit's event, of the withdrawal's hold
    _column("account", BigInteger),
    _column("is_deposit", Boolean),
    _column("asset", Integer),
    _column("amount", BigInteger),
    _column("fee", BigInteger),
    _column("address_id", BigInteger),  # of a withdrawal
    _column("height", BigInteger),  # of a deposit
    _column("reason", Integer),  # why a deposit is suspended, 0: it is not
    _column("ts_ms", BigInteger),
    _column("state", Text),  # of a withdrawal: initial, pending, success, failure
    _column("tx", Text),
    Index("history_transfers_account", "account", "is_deposit", "seq"),
)
