-- Which statements add a blank to a value of type json, which means the same and is not the same?
-- Needs SELECT and UPDATE on the table.
SELECT format('%s.%I', c.oid::regclass, a.attname),
       format('UPDATE %1$s SET %2$I = (%2$I::text || '' '')::json'
              ' WHERE ctid = (SELECT ctid FROM %1$s WHERE %2$I IS NOT NULL LIMIT 1)',
              c.oid::regclass, a.attname)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND pg_relation_size(c.oid) > 0
   AND /* include application_schemas */
   AND a.attgenerated = ''
   AND a.atttypid = 'json'::regtype
 ORDER BY n.nspname <> 'drill_selftest', pg_relation_size(c.oid) DESC, 1
