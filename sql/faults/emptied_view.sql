-- Which statements leave a materialized view without its rows? Needs to own it.
SELECT c.oid::regclass::text, format('REFRESH MATERIALIZED VIEW %s WITH NO DATA', c.oid::regclass)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'm' AND c.relispopulated
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
