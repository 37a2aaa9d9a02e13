-- Which schemas, tables, views, sequences and other relations are there, by schema and name?
-- Needs no privilege.
SELECT ARRAY[n.nspname, c.relname]::text[]
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
<<<<<<< HEAD
   AND /* include user_schemas */
=======
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^pg_(toast|temp)'
 UNION ALL
SELECT ARRAY[nspname]::text[]
  FROM pg_namespace
 WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
>>>>>>> 2c43035 (Find everything new that an import does not name)
 ORDER BY 1
