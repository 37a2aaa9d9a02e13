-- Which statements leave a foreign key in place that is no longer enforced, as a data-only restore
-- with --disable-triggers does when it is cut short? Needs a superuser.
SELECT format('%s: %I', c.oid::regclass, k.conname),
       format('ALTER TABLE %s DISABLE TRIGGER ALL', c.oid::regclass)
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid AND c.relkind IN ('r', 'p')
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND c.relkind = 'r'
   AND /* include application_schemas */
   AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
 ORDER BY n.nspname <> 'drill_selftest', 1
