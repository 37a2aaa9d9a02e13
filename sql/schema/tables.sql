-- Which tables, views, sequences and other relations are there, whose, where, and with which options?
-- Needs no privilege.
SELECT format('%I.%I', n.nspname, c.relname),
       concat_ws(' ', 'kind', c.relkind, 'persistence', c.relpersistence,
                 'owner', pg_get_userbyid(c.relowner), 'access ' || a.amname,
                 'tablespace ' || s.spcname, 'of type ' || nullif(c.reloftype, 0)::regtype,
                 'options ' || c.reloptions::text, 'toast options ' || t.reloptions::text,
                 'replica identity', c.relreplident,
                 CASE WHEN c.relrowsecurity THEN 'row security' END,
                 CASE WHEN c.relforcerowsecurity THEN 'forced' END,
                 'partitioned by ' || pg_get_partkeydef(c.oid),
                 'bounds ' || pg_get_expr(c.relpartbound, c.oid),
                 'parents ' || (SELECT string_agg(concat_ws(' ', i.inhparent::regclass,
                                                  CASE WHEN i.inhdetachpending THEN 'detaching' END),
                                                  ', ' ORDER BY i.inhseqno)
                               FROM pg_inherits i WHERE i.inhrelid = c.oid))
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_am a ON a.oid = c.relam
  LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
  LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
 WHERE /* include user_schemas */
   AND c.relkind NOT IN ('i', 'I', 'c')
 ORDER BY 1
