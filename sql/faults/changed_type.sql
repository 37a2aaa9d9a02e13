-- Which statements give a column another type that holds the same values? Needs to own its table.
SELECT format('%s.%I', c.oid::regclass, a.attname),
       format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', c.oid::regclass, a.attname,
              CASE WHEN a.atttypid = 'int4'::regtype THEN 'bigint' ELSE 'text' END)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind = 'r'
   AND /* include application_schemas */
   AND (a.atttypid = 'int4'::regtype OR (a.atttypid = 'varchar'::regtype AND a.atttypmod > 0))
   AND a.attgenerated = '' AND a.attidentity = '' AND NOT a.atthasdef
 ORDER BY n.nspname <> 'drill_selftest', pg_relation_size(c.oid), 1
