-- Which columns could be changed without anybody objecting: in no index, no key, not generated?
-- Needs no privilege.
SELECT n.nspname, c.relname, a.attname, t.typcategory
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
 WHERE c.relkind = 'r' AND c.relpersistence = 'p'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'ops')
   AND a.attgenerated = '' AND a.attidentity = ''
   AND t.typcategory IN ('S', 'N', 'B', 'D') AND t.typtype = 'b'
   AND has_table_privilege(c.oid, 'SELECT, UPDATE')
   AND pg_relation_size(c.oid) > 0
   AND NOT EXISTS (SELECT FROM pg_index i
                    WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey))
   AND NOT EXISTS (SELECT FROM pg_constraint k
                    WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey))
 ORDER BY pg_relation_size(c.oid) DESC, 1, 2, a.attnum
