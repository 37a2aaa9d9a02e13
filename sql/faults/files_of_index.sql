-- Which B-tree index has more than two pages, and in which file? Needs no privilege.
SELECT x.oid::regclass::text, pg_relation_filepath(x.oid)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_index i ON i.indrelid = c.oid
  JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND pg_relation_size(x.oid) > 2 * 8192
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', pg_relation_size(x.oid) DESC, 1
