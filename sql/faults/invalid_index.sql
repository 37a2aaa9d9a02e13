-- Which statements leave an index that no query uses, as one whose building failed? Needs a superuser.
SELECT i.indexrelid::regclass::text,
       format('UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s', i.indexrelid)
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE i.indisvalid AND NOT i.indisunique
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
