-- Which statements drop a table with all that hangs on it, the smallest first? Needs to own it.
SELECT c.oid::regclass::text, format('DROP TABLE %s CASCADE', c.oid::regclass)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND pg_relation_size(c.oid) > 0
   AND /* include application_schemas */
   AND pg_has_role(c.relowner, 'USAGE')
 ORDER BY n.nspname <> 'drill_selftest', pg_relation_size(c.oid), 1
