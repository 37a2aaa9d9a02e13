-- Which table has more than two pages, and in which file? Needs no privilege.
SELECT c.oid::regclass::text, pg_relation_filepath(c.oid)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND pg_relation_size(c.oid) > 2 * 8192
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', pg_relation_size(c.oid) DESC, 1
