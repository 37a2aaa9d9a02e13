-- What do others than the owner grant on what they will create? Needs no privilege.
SELECT g.rolname::text, coalesce(n.nspname::text, ''),
       CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'routines'
                            WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END,
       coalesce(r.rolname::text, 'PUBLIC'), x.privilege_type::text
  FROM pg_default_acl d
  JOIN pg_roles g ON g.oid = d.defaclrole
  LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
 CROSS JOIN aclexplode(d.defaclacl) x
  LEFT JOIN pg_roles r ON r.oid = x.grantee
 WHERE x.grantee <> d.defaclrole AND g.rolname <> %(owner)s
   AND NOT (d.defaclnamespace = 0 AND x.grantee = 0 AND d.defaclobjtype IN ('f', 'T'))
 ORDER BY 1, 2, 3, 4, 5
