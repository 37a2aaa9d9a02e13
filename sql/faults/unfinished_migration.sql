-- Which statements leave a step of a migration that was begun and not finished?
-- Needs INSERT and UPDATE on ops.schema_migration_steps.
SELECT format('%s, step %s', s.version, s.step),
       format('UPDATE ops.schema_migration_steps SET finished_at = NULL WHERE version = %L AND step = %s',
              s.version, s.step)
  FROM ops.schema_migration_steps s
 UNION ALL
SELECT format('%s, step 99', m.version),
       format('INSERT INTO ops.schema_migration_steps (version, step) VALUES (%L, 99)', m.version)
  FROM ops.schema_migrations m
 ORDER BY 1 DESC
