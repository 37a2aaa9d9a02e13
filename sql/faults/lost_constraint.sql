-- Which statements drop a check constraint? Needs to own its table.
SELECT format('%s: %I', c.oid::regclass, k.conname),
       format('ALTER TABLE %s DROP CONSTRAINT %I', c.oid::regclass, k.conname)
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid AND c.relkind IN ('r', 'p')
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'c' AND k.coninhcount = 0
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
