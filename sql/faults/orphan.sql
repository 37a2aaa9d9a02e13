-- Which statements remove a row that another one refers to, behind the back of a validated foreign
-- key? Needs a superuser.
SELECT format('%s: %I', k.conrelid::regclass, k.conname),
       format('SET LOCAL session_replication_role = replica;'
              ' DELETE FROM %1$s WHERE ctid = (SELECT p.ctid FROM %1$s p, %2$s r WHERE p.%3$I = r.%4$I LIMIT 1)',
              k.confrelid::regclass, k.conrelid::regclass, p.attname, r.attname)
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid AND c.relkind = 'r'
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute r ON r.attrelid = k.conrelid AND r.attnum = k.conkey[1]
  JOIN pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = k.confkey[1]
 WHERE k.contype = 'f' AND k.convalidated AND cardinality(k.conkey) = 1
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
