-- Which steps of migrations were begun, and which are finished? A ledger that an older program
-- made lacks the last two columns. Needs SELECT on the ledger.
SELECT version, direction, step, checksum, finished_at IS NOT NULL, started_at,
       coalesce((to_jsonb(steps) ->> 'once')::boolean, false),
       coalesce(to_jsonb(steps) ->> 'statement', '')
  FROM ops.schema_migration_steps AS steps
 ORDER BY version, direction, step
