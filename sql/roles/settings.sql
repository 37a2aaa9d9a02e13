-- What do sessions of these roles begin with? Needs no privilege.
SELECT r.rolname::text, split_part(one, '=', 1), substr(one, strpos(one, '=') + 1)
  FROM pg_db_role_setting s
  JOIN pg_roles r ON r.oid = s.setrole
 CROSS JOIN unnest(s.setconfig) one
 WHERE r.rolname = ANY(%(roles)s) AND s.setdatabase = 0
 ORDER BY 1, 2
