"""The log: packed pages, batches with their hash chain, the writer's epoch; and snapshots and nonces beside it.

``event_pages.seq`` is the first seq of the batch whose canonical bytes the pages hold, ``page`` counts from 0.
Pages stay in the heap as they are (storage plain): compressing them would cost three times what writing does.
"""

from alembic import op

revision = "0001"
down_revision = None

WRITER_ROLE = "taobourse_writer"
FENCE_LOCK = 7_262_690_002
PARTITION_LOCK = 7_262_690_003
PARTITION_EVENTS = 10_000_000

TABLES = (
    """
    CREATE TABLE event_pages (
        seq bigint NOT NULL CHECK (seq > 0),
        page integer NOT NULL CHECK (page >= 0),
        body bytea NOT NULL CHECK (octet_length(body) BETWEEN 1 AND 8000),
        PRIMARY KEY (seq, page)
    ) PARTITION BY RANGE (seq)
    """,
    "ALTER TABLE event_pages ALTER COLUMN body SET STORAGE PLAIN",
    """
    CREATE TABLE batches (
        number bigint PRIMARY KEY CHECK (number >= 0),
        first_seq bigint NOT NULL UNIQUE,
        last_seq bigint NOT NULL CHECK (last_seq >= first_seq),
        ts_ms bigint NOT NULL CHECK (ts_ms >= 0),
        writer_epoch bigint NOT NULL CHECK (writer_epoch > 0),
        page_count integer NOT NULL CHECK (page_count > 0),
        previous bytea NOT NULL CHECK (octet_length(previous) = 32),
        hash bytea NOT NULL CHECK (octet_length(hash) = 32)
    )
    """,
    """
    CREATE TABLE writer (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        epoch bigint NOT NULL CHECK (epoch >= 0)
    )
    """,
    "INSERT INTO writer (epoch) VALUES (0)",
    """
    CREATE TABLE snapshots (
        seq bigint PRIMARY KEY CHECK (seq > 0),
        batch bigint NOT NULL,
        taken_ms bigint NOT NULL,
        state_hash bytea NOT NULL CHECK (octet_length(state_hash) = 32),
        blob bytea NOT NULL
    )
    """,
    "ALTER TABLE snapshots ALTER COLUMN blob SET STORAGE EXTERNAL",
    """
    CREATE TABLE api_nonces (
        api_key text PRIMARY KEY,
        highest numeric(20) NOT NULL CHECK (highest >= 0),
        seen numeric(20)[] NOT NULL DEFAULT '{}'
    )
    """,
)

FUNCTIONS = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'append_only: % on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'TB001';
    END
    $$
    """,
    """
    CREATE FUNCTION guard_append_only(guarded regclass) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', guarded);
    END
    $$
    """,
    f"""
    CREATE FUNCTION check_batch() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        head batches%ROWTYPE;
        current_epoch bigint;
    BEGIN
        -- Held until this transaction ends: a new writer's epoch waits for it, and then reads a head that includes it.
        PERFORM pg_advisory_xact_lock_shared({FENCE_LOCK});
        SELECT epoch INTO STRICT current_epoch FROM writer;
        IF NEW.writer_epoch <> current_epoch THEN
            RAISE EXCEPTION 'writer_fenced: epoch % is not the current %', NEW.writer_epoch, current_epoch
                USING ERRCODE = 'TB002';
        END IF;
        SELECT * INTO head FROM batches ORDER BY number DESC LIMIT 1;
        IF NOT FOUND THEN
            head.number := -1;
            head.last_seq := 0;
            head.ts_ms := 0;
            head.previous := NULL;
            head.hash := decode(repeat('00', 32), 'hex');
        END IF;
        IF NEW.number <> head.number + 1 OR NEW.first_seq <> head.last_seq + 1 OR NEW.previous <> head.hash
            OR NEW.ts_ms < head.ts_ms THEN
            RAISE EXCEPTION 'chain_broken: batch % from seq % does not follow batch % up to seq %',
                NEW.number, NEW.first_seq, head.number, head.last_seq USING ERRCODE = 'TB003';
        END IF;
        RETURN NEW;
    END
    $$
    """,  # noqa: S608 - only constants of this file
    f"""
    CREATE FUNCTION begin_writer_epoch() RETURNS bigint LANGUAGE plpgsql
        SECURITY DEFINER SET search_path FROM CURRENT AS $$
    DECLARE
        begun bigint;
    BEGIN
        PERFORM pg_advisory_xact_lock({FENCE_LOCK});
        UPDATE writer SET epoch = epoch + 1 RETURNING epoch INTO STRICT begun;
        RETURN begun;
    END
    $$
    """,  # noqa: S608 - only constants of this file
    # A partition is made apart and then attached, which blocks neither readers nor the writer.
    f"""
    CREATE FUNCTION make_event_partitions(upto_seq bigint) RETURNS bigint LANGUAGE plpgsql
        SECURITY DEFINER SET search_path FROM CURRENT AS $$
    DECLARE
        size constant bigint := {PARTITION_EVENTS};
        made bigint;
        part text;
    BEGIN
        PERFORM pg_advisory_xact_lock({PARTITION_LOCK});
        SELECT count(*) INTO made FROM pg_inherits WHERE inhparent = 'event_pages'::regclass;
        WHILE made * size <= upto_seq LOOP
            part := 'event_pages_' || made;
            EXECUTE format('CREATE TABLE %I (LIKE event_pages INCLUDING ALL)', part);
            PERFORM guard_append_only(part::regclass);
            EXECUTE format('ALTER TABLE event_pages ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                part, made * size, (made + 1) * size);
            made := made + 1;
        END LOOP;
        RETURN made * size - 1;
    END
    $$
    """,  # noqa: S608 - only constants of this file
    """
    CREATE TRIGGER check_batch BEFORE INSERT ON batches FOR EACH ROW EXECUTE FUNCTION check_batch()
    """,
    "SELECT guard_append_only('event_pages')",
    "SELECT guard_append_only('batches')",
    f"SELECT make_event_partitions({PARTITION_EVENTS * 2 - 1})",
)

# Roles belong to the whole server: another database may have made this one, and may still need it after a downgrade.
ROLE = f"""
    DO $$
    BEGIN
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{WRITER_ROLE}') THEN
                CREATE ROLE {WRITER_ROLE} NOLOGIN;
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;  -- made by another database's migration in the same moment
        END;
        GRANT USAGE ON SCHEMA public TO {WRITER_ROLE};
        GRANT SELECT, INSERT ON event_pages, batches TO {WRITER_ROLE};
        GRANT SELECT ON writer TO {WRITER_ROLE};
        GRANT SELECT, INSERT, DELETE ON snapshots TO {WRITER_ROLE};
        GRANT SELECT, INSERT, UPDATE ON api_nonces TO {WRITER_ROLE};
        GRANT EXECUTE ON FUNCTION begin_writer_epoch(), make_event_partitions(bigint) TO {WRITER_ROLE};
    EXCEPTION
        WHEN insufficient_privilege THEN
            -- Managed servers may forbid new roles; the triggers guard the log there too.
            RAISE NOTICE 'no role {WRITER_ROLE}: the log is written by its owner';
    END
    $$
"""


def upgrade() -> None:
    """Make the tables, their guards and the writer's role."""
    for statement in (*TABLES, *FUNCTIONS):
        op.execute(statement)
    op.execute("REVOKE ALL ON FUNCTION begin_writer_epoch(), make_event_partitions(bigint) FROM PUBLIC")
    op.execute(ROLE)


def downgrade() -> None:
    """Drop everything of the log; the role stays, since it belongs to the server."""
    for table in ("api_nonces", "snapshots", "writer", "batches", "event_pages"):
        op.execute(f"DROP TABLE {table}")
    for function in (
        "make_event_partitions(bigint)",
        "begin_writer_epoch()",
        "check_batch()",
        "guard_append_only(regclass)",
        "refuse_change()",
    ):
        op.execute(f"DROP FUNCTION {function}")
