-- Which indexes are there, where, of which partitioned index, and are they valid?
-- Needs no privilege.
SELECT i.indexrelid::regclass::text,
       concat_ws(' ', pg_get_indexdef(i.indexrelid),
                 CASE WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END,
                 CASE WHEN NOT i.indisready THEN 'not ready' END,
                 CASE WHEN i.indisclustered THEN 'clustered' END,
                 CASE WHEN i.indisreplident THEN 'replica identity' END,
                 CASE WHEN NOT i.indislive THEN 'being dropped' END,
                 'tablespace ' || s.spcname, 'owner ' || pg_get_userbyid(c.relowner),
                 'part of ' || (SELECT h.inhparent::regclass::text FROM pg_inherits h
                                 WHERE h.inhrelid = c.oid),
                 'statistics ' || (SELECT string_agg(format('%s: %s', a.attnum, a.attstattarget), ', '
                                                     ORDER BY a.attnum)
                                     FROM pg_attribute a
                                    WHERE a.attrelid = c.oid AND a.attstattarget >= 0))
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
 WHERE /* include user_schemas */
 ORDER BY 1
