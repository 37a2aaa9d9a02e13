-- Which migrations are applied, in the order in which they were? Needs SELECT on the ledger.
SELECT version, name, checksum, applied_at, applied_by, duration_ms
  FROM ops.schema_migrations
 ORDER BY position
