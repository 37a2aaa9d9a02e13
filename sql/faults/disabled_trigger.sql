-- Which statements keep a trigger from firing? Needs to own its table.
SELECT format('%s: %I', c.oid::regclass, t.tgname),
       format('ALTER TABLE %s DISABLE TRIGGER %I', c.oid::regclass, t.tgname)
  FROM pg_trigger t
  JOIN pg_class c ON c.oid = t.tgrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT t.tgisinternal AND t.tgparentid = 0
   AND /* include application_schemas */
   AND t.tgenabled = 'O'
 ORDER BY n.nspname <> 'drill_selftest', 1
