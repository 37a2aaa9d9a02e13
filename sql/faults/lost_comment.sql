-- Which statements take a table's comment away? Needs to own it.
SELECT c.oid::regclass::text, format('COMMENT ON TABLE %s IS NULL', c.oid::regclass)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND obj_description(c.oid, 'pg_class') IS NOT NULL
   AND /* include user_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
