-- Which tables, views, sequences and other relations are there, whose, and with which options?
-- Needs no privilege.
SELECT format('%I.%I', n.nspname, c.relname),
       concat_ws(' ', 'kind', c.relkind, 'persistence', c.relpersistence,
                 'owner', pg_get_userbyid(c.relowner), 'access ' || a.amname,
                 'options ' || c.reloptions::text, 'replica identity', c.relreplident,
                 CASE WHEN c.relrowsecurity THEN 'row security' END,
                 CASE WHEN c.relforcerowsecurity THEN 'forced' END,
                 'partitioned by ' || pg_get_partkeydef(c.oid),
                 'bounds ' || pg_get_expr(c.relpartbound, c.oid),
                 'parents ' || (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
                               FROM pg_inherits i WHERE i.inhrelid = c.oid))
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_am a ON a.oid = c.relam
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^pg_(toast|temp)'
   AND c.relkind NOT IN ('i', 'I', 'c')
 ORDER BY 1
