-- Which statements turn a floating point zero into -0: equal by = and not the same?
-- Needs SELECT and UPDATE on the table.
SELECT format('%s.%I', c.oid::regclass, a.attname),
       format('UPDATE %1$s SET %2$I = ''-0'''
              ' WHERE ctid = (SELECT ctid FROM %1$s WHERE %2$I = 0 LIMIT 1)',
              c.oid::regclass, a.attname)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND pg_relation_size(c.oid) > 0
   AND /* include application_schemas */
   AND a.attgenerated = ''
   AND a.atttypid IN ('float4'::regtype, 'float8'::regtype)
 ORDER BY n.nspname <> 'drill_selftest', pg_relation_size(c.oid) DESC, 1
