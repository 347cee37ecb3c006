"""Snapshots in parts: a large state is written and read a few megabytes at a time.

``snapshots.blob`` is the header from now on. What was there before could not be read by this build, and a snapshot is
never needed: the log is the truth.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

WRITER_ROLE = "taobourse_writer"

TABLE = """
    CREATE TABLE snapshot_parts (
        seq bigint NOT NULL REFERENCES snapshots ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
        part integer NOT NULL CHECK (part >= 0),
        body bytea NOT NULL CHECK (octet_length(body) > 0),
        PRIMARY KEY (seq, part)
    )
"""

# Where the first revision could make no role, there is none to grant to.
GRANT = f"""
    DO $$
    BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{WRITER_ROLE}') THEN
            GRANT SELECT, INSERT, DELETE ON snapshot_parts TO {WRITER_ROLE};
        END IF;
    END
    $$
"""


def upgrade() -> None:
    """Make the table of parts; snapshots of the old form go."""
    op.execute("DELETE FROM snapshots")
    op.execute(TABLE)
    op.execute("ALTER TABLE snapshot_parts ALTER COLUMN body SET STORAGE EXTERNAL")
    op.execute(GRANT)


def downgrade() -> None:
    """Drop the parts, and the headers that are nothing without them."""
    op.execute("DROP TABLE snapshot_parts")
    op.execute("DELETE FROM snapshots")
