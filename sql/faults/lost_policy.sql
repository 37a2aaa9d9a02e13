-- Which statements drop a row security policy? Needs to own its table.
SELECT format('%s: %I', c.oid::regclass, p.polname),
       format('DROP POLICY %I ON %s', p.polname, c.oid::regclass)
  FROM pg_policy p
  JOIN pg_class c ON c.oid = p.polrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
