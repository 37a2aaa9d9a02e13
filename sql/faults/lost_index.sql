-- Which statements drop an index that no constraint needs? Needs to own its table.
SELECT i.indexrelid::regclass::text, format('DROP INDEX %s', i.indexrelid::regclass)
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind IN ('i', 'I')
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE /* include application_schemas */
   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
 ORDER BY n.nspname <> 'drill_selftest', 1
