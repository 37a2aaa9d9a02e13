-- Which indexes are there, and are they valid? Needs no privilege.
SELECT i.indexrelid::regclass::text,
       concat_ws(' ', pg_get_indexdef(i.indexrelid),
                 CASE WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END,
                 CASE WHEN NOT i.indisready THEN 'not ready' END,
                 CASE WHEN i.indisclustered THEN 'clustered' END,
                 CASE WHEN i.indisreplident THEN 'replica identity' END)
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^pg_(toast|temp)'
 ORDER BY 1
