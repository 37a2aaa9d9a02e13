-- Which statements give a table to another role? Needs to own it, and to be a member of that role.
SELECT c.oid::regclass::text, format('ALTER TABLE %s OWNER TO %I', c.oid::regclass, r.rolname)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_roles r ON r.oid <> c.relowner AND pg_has_role(r.oid, 'MEMBER') AND r.rolname !~ '^pg_'
 WHERE c.relkind = 'r'
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', r.rolname !~ '^drill_selftest', 1, r.rolname
