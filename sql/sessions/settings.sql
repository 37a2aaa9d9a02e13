-- What do sessions begin with by ALTER ROLE and ALTER DATABASE: whose, in which database (empty:
-- everybody's, everywhere)? Needs no privilege.
-- https://www.postgresql.org/docs/15/catalog-pg-db-role-setting.html
SELECT coalesce(r.rolname::text, ''), coalesce(d.datname::text, ''),
       split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1)
  FROM pg_catalog.pg_db_role_setting s
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
  LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
 CROSS JOIN unnest(s.setconfig) entry
 ORDER BY 1, 2, 3
