-- Who but the owner of an object may do what with it? The database, these schemas, and what is in
-- them; what belongs to an extension is left out, and superusers, whom a grant gives nothing.
-- Needs no privilege.
WITH granted (kind, name, owner, acl) AS (
    SELECT 'database', ARRAY[datname]::text[], datdba, coalesce(datacl, acldefault('d', datdba))
      FROM pg_database
     WHERE datname = current_database()
     UNION ALL
    SELECT 'schema', ARRAY[nspname], nspowner, coalesce(nspacl, acldefault('n', nspowner))
      FROM pg_namespace
     WHERE nspname = ANY(%(schemas)s)
     UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END,
           ARRAY[n.nspname, c.relname], c.relowner, c.relacl
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY(%(schemas)s)
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
       AND NOT EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e')
     UNION ALL
    SELECT 'column', ARRAY[n.nspname, c.relname, a.attname], c.relowner, a.attacl
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY(%(schemas)s) AND a.attnum > 0 AND NOT a.attisdropped
       AND NOT EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e')
     UNION ALL
    SELECT 'routine', ARRAY[n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)],
           p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = ANY(%(schemas)s)
       AND NOT EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.deptype = 'e')
)
SELECT kind, name, coalesce(r.rolname::text, 'PUBLIC'), x.privilege_type::text, x.is_grantable
  FROM granted
 CROSS JOIN aclexplode(acl) x
  LEFT JOIN pg_roles r ON r.oid = x.grantee
 WHERE x.grantee <> owner
   AND (x.grantee = 0 OR NOT r.rolsuper)
 ORDER BY 1, 2, 3, 4
