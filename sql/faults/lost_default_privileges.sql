-- Which statements take back what would be granted on new objects? Needs to be the role whose
-- objects these are.
SELECT format('%s of %s', d.defaclobjtype, d.defaclrole::regrole),
       format('ALTER DEFAULT PRIVILEGES FOR ROLE %s %s REVOKE %s ON %s FROM %s', d.defaclrole::regrole,
              'IN SCHEMA ' || nullif(d.defaclnamespace, 0)::regnamespace, g.privilege_type,
              CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
                                   WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END,
              g.grantee::regrole)
  FROM pg_default_acl d
 CROSS JOIN LATERAL aclexplode(d.defaclacl) g
 WHERE g.grantee NOT IN (0, d.defaclrole)
 ORDER BY coalesce(nullif(d.defaclnamespace, 0)::regnamespace::text, '') <> 'drill_selftest', 1
