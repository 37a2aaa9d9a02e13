-- Which statements drop a role that owns nothing? Needs CREATEROLE.
SELECT r.rolname::text, format('DROP ROLE %I', r.rolname)
  FROM pg_roles r
 WHERE r.rolname !~ '^(pg_|cloudsql)' AND r.rolname NOT IN ('postgres', {{ owner|literal }}, {{ app|literal }})
 ORDER BY r.rolname !~ '^drill_selftest', 1
