-- Which tables are there, by schema and name?
-- Needs no privilege.
SELECT ARRAY[n.nspname, c.relname]::text[]
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p')
   AND /* include user_schemas */
 ORDER BY 1
