-- Which steps of migrations were begun, and which are finished? Needs SELECT on the ledger.
SELECT version, direction, step, checksum, finished_at IS NOT NULL
  FROM ops.schema_migration_steps
 ORDER BY version, direction, step
