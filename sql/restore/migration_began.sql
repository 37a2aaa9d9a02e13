-- When did each migration begin, the newest first, those that never finished too? One that was one
-- transaction has no steps: it began its duration before it was applied.
-- Needs SELECT on ops.schema_migrations and ops.schema_migration_steps.
SELECT version, min(began)
  FROM (SELECT version, applied_at - duration_ms * interval '1 ms' AS began
          FROM ops.schema_migrations
         UNION ALL
        SELECT version, started_at
          FROM ops.schema_migration_steps
         WHERE direction = 'up') AS m
 GROUP BY version
 ORDER BY min(began) DESC
