-- Which statements leave a constraint that its rows were never checked against? Needs to own its
-- table.
SELECT format('%s: %I', c.oid::regclass, k.conname),
       format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I %3$s NOT VALID',
              c.oid::regclass, k.conname, pg_get_constraintdef(k.oid))
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid AND c.relkind IN ('r', 'p')
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype IN ('c', 'f') AND k.convalidated AND k.coninhcount = 0 AND k.conparentid = 0
   AND c.relkind = 'r'
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
