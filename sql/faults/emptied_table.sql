-- Which statements empty a table? One that a key leads to refuses. Needs TRUNCATE on the table.
SELECT c.oid::regclass::text, format('TRUNCATE %s', c.oid::regclass)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND pg_relation_size(c.oid) > 0
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', pg_relation_size(c.oid), 1
