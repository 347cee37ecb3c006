"""Anchors: which head of the log stands in which block of the chain. Nothing here is ever changed or removed."""

from alembic import op

revision = "0011"
down_revision = "0010"

WRITER_ROLE = "taobourse_writer"

TABLE = """
    CREATE TABLE anchors (
        batch bigint NOT NULL CHECK (batch >= 0),
        hash bytea NOT NULL CHECK (octet_length(hash) = 32),
        height bigint NOT NULL CHECK (height >= 0),
        block_hash bytea NOT NULL CHECK (octet_length(block_hash) = 32),
        extrinsic_hash bytea NOT NULL CHECK (octet_length(extrinsic_hash) = 32),
        PRIMARY KEY (height, extrinsic_hash)
    )
"""

# Where the first revision could make no role, there is none to grant to.
GRANT = f"""
    DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{WRITER_ROLE}') THEN
            GRANT SELECT, INSERT ON anchors TO {WRITER_ROLE};
        END IF;
    END
    $$
"""


def upgrade() -> None:
    """Make the table and its guard."""
    op.execute(TABLE)
    op.execute("SELECT guard_append_only('anchors')")
    op.execute(GRANT)


def downgrade() -> None:
    """Drop the table; the anchors themselves stand in the chain."""
    op.execute("DROP TABLE anchors")
