-- Makes the ledger of migrations. Needs: CREATE on the database, the first time only.
CREATE SCHEMA IF NOT EXISTS ops;

CREATE TABLE IF NOT EXISTS ops.schema_migrations (
    version text PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by text NOT NULL DEFAULT session_user,
    duration_ms bigint NOT NULL,
    down_checksum text
);

CREATE TABLE IF NOT EXISTS ops.schema_migration_steps (
    version text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('up', 'down')),
    step integer NOT NULL,
    checksum text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    once boolean NOT NULL DEFAULT false,
    statement text NOT NULL DEFAULT '',
    PRIMARY KEY (version, direction, step)
);

COMMENT ON TABLE ops.schema_migrations IS
    'Migrations that are applied; a row is written in the transaction of its change.';
COMMENT ON TABLE ops.schema_migration_steps IS
    'Steps of migrations that take more than one transaction; unfinished ones are resumed.';
COMMENT ON COLUMN ops.schema_migrations.down_checksum IS
    'Of the down section, empty where there is none; NULL where an older program applied it.';
COMMENT ON COLUMN ops.schema_migration_steps.once IS
    'The step commits by itself: unfinished, it is not repeated before somebody looked.';
