-- Which statements detach a partition: its rows are there and nobody reads them? Needs to own both
-- tables.
SELECT i.inhrelid::regclass::text,
       format('ALTER TABLE %s DETACH PARTITION %s', i.inhparent::regclass, i.inhrelid::regclass)
  FROM pg_inherits i
  JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition AND c.relkind = 'r'
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
