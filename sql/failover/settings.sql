-- What do sessions of each role that may log in begin with in this database, of these settings, and
-- where is that set? Role in database, role, database, all roles: the first one that there is.
-- Needs no privilege.
SELECT DISTINCT ON (r.rolname, name)
       r.rolname::text,
       name,
       substr(entry, strpos(entry, '=') + 1),
       CASE WHEN s.setrole <> 0 AND s.setdatabase <> 0 THEN 'role in database'
            WHEN s.setrole <> 0 THEN 'role'
            WHEN s.setdatabase <> 0 THEN 'database'
            ELSE 'all roles' END
  FROM pg_roles r
  JOIN pg_db_role_setting s
    ON s.setrole IN (0, r.oid)
   AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
 CROSS JOIN unnest(s.setconfig) entry
 CROSS JOIN lower(split_part(entry, '=', 1)) name
 WHERE r.rolcanlogin
   AND name = ANY(%(names)s)
 ORDER BY r.rolname, name, s.setrole <> 0 DESC, s.setdatabase <> 0 DESC
