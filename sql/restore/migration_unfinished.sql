-- Which steps of migrations were begun and not finished?
-- Needs SELECT on ops.schema_migration_steps.
SELECT format('%s, step %s', version, step)
  FROM ops.schema_migration_steps
 WHERE finished_at IS NULL
 ORDER BY 1
