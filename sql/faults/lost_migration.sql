-- Which statement takes the newest migration out of the ledger? Needs DELETE on
-- ops.schema_migrations.
SELECT version, format('DELETE FROM ops.schema_migrations WHERE version = %L', version)
  FROM ops.schema_migrations
 ORDER BY position DESC
