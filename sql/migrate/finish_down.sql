-- Forgets a migration that was taken back, with its steps. Needs DELETE on the ledger.
WITH steps AS (
    DELETE FROM ops.schema_migration_steps WHERE version = %(version)s
)
DELETE FROM ops.schema_migrations WHERE version = %(version)s
