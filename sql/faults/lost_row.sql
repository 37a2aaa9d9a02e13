-- Which statements remove one row, of a table that no key leads to first?
-- Needs SELECT and DELETE on the table.
SELECT c.oid::regclass::text,
       format('DELETE FROM %1$s WHERE ctid = (SELECT ctid FROM %1$s LIMIT 1)', c.oid::regclass)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND pg_relation_size(c.oid) > 0
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', EXISTS (SELECT FROM pg_constraint k WHERE k.confrelid = c.oid),
       pg_relation_size(c.oid) DESC, 1
