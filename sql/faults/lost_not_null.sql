-- Which statements let a column be null? Needs to own its table.
SELECT format('%s.%I', c.oid::regclass, a.attname),
       format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', c.oid::regclass, a.attname)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind = 'r'
   AND /* include application_schemas */
   AND a.attnotnull AND a.attidentity = ''
 ORDER BY n.nspname <> 'drill_selftest', 1
