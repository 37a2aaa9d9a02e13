-- Adds what the ledger of an older program lacks. Needs to own its tables.
ALTER TABLE ops.schema_migrations
    ADD COLUMN IF NOT EXISTS down_checksum text;
ALTER TABLE ops.schema_migration_steps
    ADD COLUMN IF NOT EXISTS once boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS statement text NOT NULL DEFAULT ''
