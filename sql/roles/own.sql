-- What does an object's owner have on it by default, and does it still have that? Somebody may have
-- revoked it. The database, these schemas, and what is in them without what belongs to an extension.
-- Needs no privilege.
WITH owned (kind, name, owner, acl, standard) AS (
    SELECT 'database', ARRAY[datname]::text[], datdba, datacl, acldefault('d', datdba)
      FROM pg_database
     WHERE datname = current_database()
     UNION ALL
    SELECT 'schema', ARRAY[nspname], nspowner, nspacl, acldefault('n', nspowner)
      FROM pg_namespace
     WHERE nspname = ANY(%(schemas)s)
     UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END,
           ARRAY[n.nspname, c.relname], c.relowner, c.relacl,
           acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY(%(schemas)s)
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
       AND NOT EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e')
     UNION ALL
    SELECT 'routine', ARRAY[n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)],
           p.proowner, p.proacl, acldefault('f', p.proowner)
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = ANY(%(schemas)s)
       AND NOT EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.deptype = 'e')
)
SELECT kind, name, pg_get_userbyid(owner)::text, s.privilege_type::text,
       acl IS NULL OR EXISTS (SELECT FROM aclexplode(acl) x
                               WHERE x.grantee = owner AND x.privilege_type = s.privilege_type)
  FROM owned
 CROSS JOIN aclexplode(standard) s
 WHERE s.grantee = owner
