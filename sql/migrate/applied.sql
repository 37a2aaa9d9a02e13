-- Which migrations are applied, in the order in which they were? Needs SELECT on the ledger.
-- A ledger that an older program made has no down_checksum.
SELECT version, name, checksum, applied_at, applied_by, duration_ms,
       to_jsonb(m) ->> 'down_checksum' AS down_checksum
  FROM ops.schema_migrations m
 ORDER BY position
