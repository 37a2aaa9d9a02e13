-- Which migrations are applied, in the ledger's own order, and when was each? Needs SELECT on
-- ops.schema_migrations.
SELECT version, applied_at FROM ops.schema_migrations ORDER BY position
