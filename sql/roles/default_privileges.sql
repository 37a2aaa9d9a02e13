-- What will be granted on objects that the owner has yet to create? In a schema, or everywhere
-- (no schema), where PostgreSQL's own default holds until it is changed: routines are everybody's.
-- Needs no privilege.
WITH owner AS (SELECT oid FROM pg_roles WHERE rolname = %(owner)s),
promised (schema, kind, acl) AS (
    SELECT coalesce(n.nspname::text, ''), d.defaclobjtype, d.defaclacl
      FROM pg_default_acl d
      JOIN owner ON owner.oid = d.defaclrole
      LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
     UNION ALL
    SELECT '', 'f'::"char", acldefault('f', owner.oid)
      FROM owner
     WHERE NOT EXISTS (SELECT FROM pg_default_acl d
                        WHERE d.defaclrole = owner.oid AND d.defaclnamespace = 0
                          AND d.defaclobjtype = 'f')
)
SELECT schema,
       CASE kind WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'routines'
                 WHEN 'T' THEN 'types' ELSE 'schemas' END,
       coalesce(r.rolname::text, 'PUBLIC'), x.privilege_type::text, x.is_grantable
  FROM promised
 CROSS JOIN owner
 CROSS JOIN aclexplode(acl) x
  LEFT JOIN pg_roles r ON r.oid = x.grantee
 WHERE x.grantee <> owner.oid
   AND NOT (kind = 'T' AND x.grantee = 0)
 ORDER BY 1, 2, 3, 4
