-- Which statements give two rows each other's value of a column? Counts, sums and extremes stay the
-- same. Needs SELECT and UPDATE on the table.
SELECT format('%s.%I', c.oid::regclass, a.attname),
       format('WITH pair AS (SELECT one.ctid AS here, one.%2$I AS value, other.ctid AS there,'
              ' other.%2$I AS another FROM (SELECT ctid, %2$I FROM %1$s LIMIT 1) one,'
              ' (SELECT ctid, %2$I FROM %1$s LIMIT 1000) other WHERE one.%2$I <> other.%2$I LIMIT 1)'
              ' UPDATE %1$s t SET %2$I = CASE WHEN t.ctid = pair.here THEN another ELSE value END'
              ' FROM pair WHERE t.ctid IN (pair.here, pair.there)',
              c.oid::regclass, a.attname)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND pg_relation_size(c.oid) > 0
   AND /* include application_schemas */
   AND a.attgenerated = '' AND a.attidentity = ''
   AND t.typcategory IN ('S', 'N', 'D') AND t.typtype = 'b'
   AND NOT EXISTS (SELECT FROM pg_index i
                    WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey))
 ORDER BY n.nspname <> 'drill_selftest', pg_relation_size(c.oid) DESC, 1, a.attnum
