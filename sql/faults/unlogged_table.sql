-- Which statements make a table one that the next crash empties? Needs to own it.
SELECT c.oid::regclass::text, format('ALTER TABLE %s SET UNLOGGED', c.oid::regclass)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND pg_relation_size(c.oid) > 0
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', EXISTS (SELECT FROM pg_constraint k WHERE k.confrelid = c.oid),
       pg_relation_size(c.oid), 1
