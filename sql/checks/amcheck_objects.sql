-- Which B-tree indexes and tables can amcheck look at, the largest first, and how large are they?
-- An index that is not valid is told of by the indexes' own comparison. Needs no privilege.
SELECT CASE c.relkind WHEN 'i' THEN 'index' ELSE 'table' END, c.oid::regclass::text, c.oid::bigint,
       s.bytes
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_index i ON i.indexrelid = c.oid
  LEFT JOIN pg_am a ON a.oid = c.relam
 CROSS JOIN LATERAL (SELECT coalesce(pg_relation_size(c.oid), 0) AS bytes OFFSET 0) s
 WHERE c.relpersistence = 'p'
   AND n.nspname !~ '^pg_temp'
   AND ((c.relkind = 'i' AND a.amname = 'btree' AND i.indisready AND i.indisvalid AND i.indislive)
        OR (c.relkind IN ('r', 'm', 't') AND a.amname = 'heap'))
 ORDER BY s.bytes DESC, 2
