"""History tells what fills are compared with, what orders were amended to, firm quotes, heads and transfers.

Fills and orders are folded again from the log, since their rows say more now.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

PRICED = """
    head bigint NOT NULL,
    head_hash bytea NOT NULL,
    head_tao bigint NOT NULL,
    head_alpha bigint NOT NULL,
    weight bigint NOT NULL,
    fee_rate integer NOT NULL,
    mirror_tao bigint NOT NULL,
    mirror_alpha bigint NOT NULL
"""
FORGOTTEN = ("history_orders", "history_fills", "history_trades", "history_trade_counts")
TABLES = (
    f"""
    ALTER TABLE history_fills
    {", ".join(f"ADD COLUMN {column.strip()}" for column in PRICED.split(","))},
    ADD COLUMN booked_at bigint NOT NULL
    """,
    """
    CREATE TABLE history_amends (
        seq bigint PRIMARY KEY,
        order_id bigint NOT NULL,
        account bigint NOT NULL,
        volume bigint NOT NULL,
        limit_price bigint NOT NULL,
        trigger_price bigint NOT NULL,
        is_kept boolean NOT NULL,
        ts_ms bigint NOT NULL
    )
    """,
    "CREATE INDEX history_amends_order ON history_amends (order_id, seq)",
    f"CREATE TABLE history_pools (netuid integer PRIMARY KEY, {PRICED})",
    f"""
    CREATE TABLE history_quotes (
        quote_id bigint PRIMARY KEY,
        account bigint NOT NULL,
        netuid integer NOT NULL,
        is_sell boolean NOT NULL,
        alpha bigint NOT NULL,
        tao bigint NOT NULL,
        fee bigint NOT NULL,
        issued_ms bigint NOT NULL,
        expires_ms bigint NOT NULL,
        {PRICED},
        state text NOT NULL,
        reason integer NOT NULL,
        fill bigint NOT NULL
    )
    """,
    "CREATE INDEX history_quotes_live ON history_quotes (quote_id) WHERE state = 'live'",
    """
    CREATE TABLE history_heads (
        seq bigint PRIMARY KEY,
        number bigint NOT NULL,
        hash bytea NOT NULL,
        block_ms bigint NOT NULL,
        differences bigint NOT NULL,
        checked bigint NOT NULL
    )
    """,
    """
    CREATE TABLE history_differences (
        seq bigint PRIMARY KEY,
        height bigint NOT NULL,
        key bigint NOT NULL,
        hotkey bigint NOT NULL,
        netuid integer NOT NULL,
        is_alpha boolean NOT NULL,
        amount bigint NOT NULL
    )
    """,
    """
    CREATE TABLE history_transfers (
        seq bigint PRIMARY KEY,
        account bigint NOT NULL,
        is_deposit boolean NOT NULL,
        asset integer NOT NULL,
        amount bigint NOT NULL,
        fee bigint NOT NULL,
        address_id bigint NOT NULL,
        height bigint NOT NULL,
        reason integer NOT NULL,
        ts_ms bigint NOT NULL,
        state text NOT NULL,
        tx text NOT NULL
    )
    """,
    "CREATE INDEX history_transfers_account ON history_transfers (account, is_deposit, seq)",
)
NAMES = (
    "history_amends",
    "history_pools",
    "history_quotes",
    "history_heads",
    "history_differences",
    "history_transfers",
)


def upgrade() -> None:
    """Make the tables, and have the rows that say more folded again."""
    _fold_again()
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop them; the log has all that they told."""
    _fold_again()
    for name in NAMES:
        op.execute(f"DROP TABLE {name}")
    for column in (*(line.split()[0] for line in PRICED.strip().splitlines()), "booked_at"):
        op.execute(f"ALTER TABLE history_fills DROP COLUMN {column}")


def _fold_again() -> None:
    op.execute(f"TRUNCATE {', '.join(FORGOTTEN)}")
    op.execute("DELETE FROM projections WHERE name IN ('orders', 'trades', 'chain')")
