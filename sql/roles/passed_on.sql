-- Which privileges on the database, these schemas and what is in them were granted by somebody who is
-- not the owner of the object? Taking the grant option from the grantor takes them away too.
-- Needs no privilege.
WITH granted (kind, name, owner, acl) AS (
    SELECT 'database', datname::text, datdba, datacl
      FROM pg_database
     WHERE datname = current_database()
     UNION ALL
    SELECT 'schema', nspname::text, nspowner, nspacl
      FROM pg_namespace
     WHERE nspname = ANY(%(schemas)s)
     UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END,
           n.nspname || '.' || c.relname, c.relowner, c.relacl
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY(%(schemas)s)
     UNION ALL
    SELECT 'column', n.nspname || '.' || c.relname || '.' || a.attname, c.relowner, a.attacl
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY(%(schemas)s) AND a.attnum > 0 AND NOT a.attisdropped
     UNION ALL
    SELECT 'routine',
           n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
           p.proowner, p.proacl
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = ANY(%(schemas)s)
)
SELECT kind, name, pg_get_userbyid(x.grantor)::text, coalesce(r.rolname::text, 'PUBLIC'),
       x.privilege_type::text
  FROM granted
 CROSS JOIN aclexplode(acl) x
  LEFT JOIN pg_roles r ON r.oid = x.grantee
 WHERE x.grantor <> owner
 ORDER BY 1, 2, 3, 4, 5
