-- Which migrations are applied, up to a time where one is given, in order?
-- Needs SELECT on ops.schema_migrations.
SELECT version
  FROM ops.schema_migrations
 WHERE %(until)s::timestamptz IS NULL OR applied_at < %(until)s
 ORDER BY position
