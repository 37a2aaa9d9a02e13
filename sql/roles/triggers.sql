-- Which triggers and rules on whose tables run a function that is somebody else's, with the rights
-- of whoever writes? Those of extensions are left out. Needs no privilege.
SELECT tn.nspname::text, c.relname::text, t.tgname::text, pg_get_userbyid(p.proowner)::text
  FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace tn ON tn.oid = c.relnamespace
  JOIN pg_proc p ON p.oid = t.tgfoid
  JOIN pg_roles o ON o.oid = p.proowner
 WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND p.proowner <> c.relowner AND NOT o.rolsuper
 UNION ALL
SELECT '', '', 'event trigger ' || e.evtname, pg_get_userbyid(p.proowner)::text
  FROM pg_event_trigger e
  JOIN pg_proc p ON p.oid = e.evtfoid
  JOIN pg_roles o ON o.oid = p.proowner
 WHERE e.evtenabled <> 'D' AND NOT o.rolsuper
 ORDER BY 1, 2, 3
