-- Which constraints and indexes are there, with the schema and table (constraints) or the schema
-- alone (indexes), and are they valid? Needs no privilege.
SELECT 'constraint', ARRAY[n.nspname, r.relname, c.conname]::text[], c.convalidated
  FROM pg_constraint c
  JOIN pg_class r ON r.oid = c.conrelid
  JOIN pg_namespace n ON n.oid = r.relnamespace
 UNION ALL
SELECT 'index', ARRAY[n.nspname, r.relname]::text[], i.indisvalid AND i.indisready AND i.indislive
  FROM pg_index i
  JOIN pg_class r ON r.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = r.relnamespace
