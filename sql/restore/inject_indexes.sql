-- Which whole B-tree indexes of tables with rows are there, the largest first, and which columns of
-- their table can be written? Needs no privilege.
SELECT i.indexrelid::bigint, i.indexrelid::regclass::text, n.nspname, c.relname,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')
  FROM pg_index i
  JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'ops')
   AND c.relkind = 'r' AND c.relpersistence = 'p'
   AND i.indisvalid AND i.indisready AND i.indpred IS NULL
   AND pg_relation_size(c.oid) > 0
 ORDER BY pg_relation_size(x.oid) DESC, 2
