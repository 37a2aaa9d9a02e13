-- Which statements take a grant on a table from a role? Needs to own it.
SELECT format('%s of %s on %s', g.privilege_type, g.grantee::regrole, c.oid::regclass),
       format('REVOKE %s ON %s FROM %s', g.privilege_type, c.oid::regclass, g.grantee::regrole)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL aclexplode(c.relacl) g
 WHERE c.relkind IN ('r', 'p') AND g.grantee NOT IN (0, c.relowner)
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
