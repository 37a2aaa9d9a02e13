-- Which statements drop a trigger? Needs to own its table.
SELECT format('%s: %I', c.oid::regclass, t.tgname),
       format('DROP TRIGGER %I ON %s', t.tgname, c.oid::regclass)
  FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT t.tgisinternal AND t.tgparentid = 0
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
