-- Which statements change one value of one row: of a column in no index and no key, not generated?
-- Needs SELECT and UPDATE on the table.
SELECT format('%s.%I', c.oid::regclass, a.attname),
       format('UPDATE %1$s SET %2$I = %3$s WHERE ctid = (SELECT ctid FROM %1$s WHERE %2$I IS NOT NULL LIMIT 1)',
              c.oid::regclass, a.attname,
              CASE t.typcategory WHEN 'S' THEN format('%I || ''x''', a.attname)
                                 WHEN 'N' THEN format('%I + 1', a.attname)
                                 WHEN 'B' THEN format('NOT %I', a.attname)
                                 ELSE format('%I + interval ''1 day''', a.attname) END)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND pg_relation_size(c.oid) > 0
   AND /* include application_schemas */
   AND a.attgenerated = '' AND a.attidentity = ''
   AND t.typcategory IN ('S', 'N', 'B', 'D') AND t.typtype = 'b'
   AND NOT EXISTS (SELECT FROM pg_index i
                    WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey))
   AND NOT EXISTS (SELECT FROM pg_constraint k
                    WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey))
 ORDER BY n.nspname <> 'drill_selftest', pg_relation_size(c.oid) DESC, 1, a.attnum
