-- Of what are these roles members, and who is a member of them? Cloud SQL's mark of an IAM user
-- is left out, and what its own roles are. Needs no privilege.
SELECT DISTINCT g.rolname::text, m.rolname::text
  FROM pg_auth_members a
  JOIN pg_roles g ON g.oid = a.roleid
  JOIN pg_roles m ON m.oid = a.member
 WHERE (m.rolname = ANY(%(roles)s) OR g.rolname = ANY(%(roles)s))
   AND g.rolname !~ '^cloudsqliam'
   AND NOT m.rolsuper AND m.rolname !~ '^(pg_|cloudsql)'
 ORDER BY 1, 2
