-- Which tables of the application does a restore bring back with their rows? Unlogged ones are
-- empty after a recovery. Needs no privilege.
SELECT ARRAY[n.nspname, c.relname]::text[], has_table_privilege(c.oid, 'SELECT')
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r'
   AND c.relpersistence = 'p'
   AND /* include user_schemas */
   AND has_schema_privilege(n.oid, 'USAGE')
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e')
 ORDER BY 1
