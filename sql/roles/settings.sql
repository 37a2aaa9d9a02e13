-- What do sessions begin with by ALTER ROLE and ALTER DATABASE: those of these roles in every database,
-- and everybody's in this one? Does this login have the right to reset it? Needs no privilege.
-- https://www.postgresql.org/docs/15/view-pg-db-role-setting.html
SELECT coalesce(r.rolname::text, 'PUBLIC'), split_part(entry, '=', 1),
       substr(entry, strpos(entry, '=') + 1), coalesce(d.datname::text, ''),
       EXISTS (SELECT FROM pg_settings p
                WHERE lower(p.name) = lower(split_part(entry, '=', 1))
                  AND p.context IN ('user', 'backend'))
           AND (s.setrole <> 0
                OR s.setdatabase <> 0 AND pg_has_role(d.datdba, 'USAGE'))
           OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
  FROM pg_db_role_setting s
  LEFT JOIN pg_roles r ON r.oid = s.setrole
  LEFT JOIN pg_database d ON d.oid = s.setdatabase
 CROSS JOIN unnest(s.setconfig) entry
 WHERE r.rolname = ANY(%(roles)s)
    OR s.setrole = 0 AND (s.setdatabase = 0 OR d.datname = current_database())
 ORDER BY 1, 2, 4
