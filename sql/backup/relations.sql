-- Which schemas, tables, views, sequences and other relations are there, by schema and name?
-- Needs no privilege.
SELECT ARRAY[n.nspname, c.relname]::text[]
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
   AND /* include user_schemas */
 UNION ALL
SELECT ARRAY[n.nspname]::text[]
  FROM pg_namespace n
 WHERE /* include user_schemas */
 ORDER BY 1
