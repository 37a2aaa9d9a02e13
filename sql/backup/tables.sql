-- Which tables of the application have rows of their own? Those whose rows live elsewhere
-- (foreign) or in partitions are left out. Needs no privilege.
SELECT ARRAY[n.nspname, c.relname]::text[]
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r'
   AND c.relpersistence <> 't'
   AND /* include user_schemas */
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 1
