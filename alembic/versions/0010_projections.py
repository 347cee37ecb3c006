"""History: the tables that projections fold from the log, and how far each of them is.

All of it can be dropped and folded again; nothing here is the truth of anything.
"""

from alembic import op

revision = "0010"
down_revision = "0002"

TABLES = (
    """
    CREATE TABLE projections (
        name text PRIMARY KEY,
        version integer NOT NULL,
        batch bigint NOT NULL CHECK (batch >= -1),
        seq bigint NOT NULL CHECK (seq >= 0),
        hash bytea NOT NULL CHECK (octet_length(hash) = 32),
        ts_ms bigint NOT NULL CHECK (ts_ms >= 0)
    )
    """,
    """
    CREATE TABLE history_orders (
        order_id bigint PRIMARY KEY,
        account bigint NOT NULL,
        netuid integer NOT NULL,
        flags integer NOT NULL,
        traits integer NOT NULL,
        volume bigint NOT NULL,
        quote bigint NOT NULL,
        limit_price bigint NOT NULL,
        trigger_price bigint NOT NULL,
        slippage_ppm bigint NOT NULL,
        expires_s bigint NOT NULL,
        taker_ppm bigint NOT NULL,
        maker_ppm bigint NOT NULL,
        userref bigint NOT NULL,
        cl_ord_id text NOT NULL,
        opened_ms bigint NOT NULL,
        state smallint NOT NULL,
        waits integer NOT NULL,
        is_triggered boolean NOT NULL,
        is_cancelling boolean NOT NULL,
        executed bigint NOT NULL,
        cost bigint NOT NULL,
        fee bigint NOT NULL,
        amends integer NOT NULL,
        last_seq bigint NOT NULL,
        closed_seq bigint NOT NULL,
        closed_ms bigint NOT NULL,
        reason integer NOT NULL
    )
    """,
    "CREATE INDEX history_orders_account ON history_orders (account, order_id)",
    "CREATE INDEX history_orders_closed ON history_orders (account, closed_seq) WHERE closed_seq > 0",
    "CREATE INDEX history_orders_client_id ON history_orders (account, cl_ord_id, order_id) WHERE cl_ord_id <> ''",
    """
    CREATE TABLE history_fills (
        number bigint PRIMARY KEY,
        seq bigint NOT NULL,
        order_id bigint NOT NULL,
        account bigint NOT NULL,
        netuid integer NOT NULL,
        is_sell boolean NOT NULL,
        is_maker boolean NOT NULL,
        mode smallint NOT NULL,
        volume bigint NOT NULL,
        cost bigint NOT NULL,
        fee bigint NOT NULL,
        ts_ms bigint NOT NULL,
        trade_id bigint NOT NULL
    )
    """,
    "CREATE INDEX history_fills_account ON history_fills (account, number)",
    "CREATE INDEX history_fills_order ON history_fills (order_id, number)",
    """
    CREATE TABLE history_trades (
        seq bigint PRIMARY KEY,
        netuid integer NOT NULL,
        trade_id bigint NOT NULL,
        order_id bigint NOT NULL,
        price bigint NOT NULL,
        volume bigint NOT NULL,
        cost bigint NOT NULL,
        is_sell boolean NOT NULL,
        ts_ms bigint NOT NULL
    )
    """,
    "CREATE INDEX history_trades_market ON history_trades (netuid, seq)",
    "CREATE TABLE history_trade_counts (netuid integer PRIMARY KEY, last_id bigint NOT NULL)",
    """
    CREATE TABLE history_entries (
        number bigint PRIMARY KEY,
        reference bigint NOT NULL,
        account bigint NOT NULL,
        asset integer NOT NULL,
        kind text NOT NULL,
        amount bigint NOT NULL,
        fee bigint NOT NULL,
        balance bigint NOT NULL,
        ts_ms bigint NOT NULL
    )
    """,
    "CREATE INDEX history_entries_account ON history_entries (account, number)",
    """
    CREATE TABLE history_balances (
        account bigint NOT NULL,
        asset integer NOT NULL,
        balance bigint NOT NULL,
        PRIMARY KEY (account, asset)
    )
    """,
    """
    CREATE TABLE history_candles (
        netuid integer NOT NULL,
        minutes integer NOT NULL,
        start_ms bigint NOT NULL,
        open bigint NOT NULL,
        high bigint NOT NULL,
        low bigint NOT NULL,
        close bigint NOT NULL,
        volume numeric(38, 0) NOT NULL,
        cost numeric(38, 0) NOT NULL,
        trades bigint NOT NULL,
        PRIMARY KEY (netuid, minutes, start_ms)
    )
    """,
    """
    CREATE TABLE history_rewards (
        seq bigint PRIMARY KEY,
        account bigint NOT NULL,
        netuid integer NOT NULL,
        key bigint NOT NULL,
        hotkey bigint NOT NULL,
        amount bigint NOT NULL,
        commission bigint NOT NULL,
        house_part bigint NOT NULL,
        ts_ms bigint NOT NULL
    )
    """,
    "CREATE INDEX history_rewards_account ON history_rewards (account, seq)",
    """
    CREATE TABLE history_audit (
        seq bigint PRIMARY KEY,
        category text NOT NULL,
        kind text NOT NULL,
        account bigint NOT NULL,
        netuid integer NOT NULL,
        code integer NOT NULL,
        details jsonb NOT NULL,
        ts_ms bigint NOT NULL
    )
    """,
    "CREATE INDEX history_audit_category ON history_audit (category, seq)",
)
NAMES = (
    "projections",
    "history_orders",
    "history_fills",
    "history_trades",
    "history_trade_counts",
    "history_entries",
    "history_balances",
    "history_candles",
    "history_rewards",
    "history_audit",
)


def upgrade() -> None:
    """Make the tables, empty: the projector fills them from the log."""
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop them; the log has all that they told."""
    for name in NAMES:
        op.execute(f"DROP TABLE {name}")
