-- Which statements let everybody read a table? Needs to own it.
SELECT c.oid::regclass::text, format('GRANT SELECT ON %s TO PUBLIC', c.oid::regclass)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND pg_relation_size(c.oid) > 0
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
