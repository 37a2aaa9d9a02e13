-- Which statements let a role make databases? Needs CREATEROLE and CREATEDB.
SELECT r.rolname::text, format('ALTER ROLE %I CREATEDB', r.rolname)
  FROM pg_roles r
 WHERE r.rolname !~ '^(pg_|cloudsql)' AND r.rolname NOT IN ('postgres', {{ owner|literal }}, {{ app|literal }})
   AND NOT r.rolcreatedb
 ORDER BY r.rolname !~ '^drill_selftest', 1
