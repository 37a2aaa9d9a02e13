-- Which tables, sequences and routines are in these schemas, and whose are they? What belongs to
-- an extension is left out. Needs no privilege.
SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END,
       ARRAY[n.nspname, c.relname]::text[],
       pg_get_userbyid(c.relowner)::text
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = ANY(%(schemas)s)
   AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 UNION ALL
SELECT 'routine',
       ARRAY[n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)]::text[],
       pg_get_userbyid(p.proowner)::text
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = ANY(%(schemas)s)
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
 ORDER BY 1, 2
