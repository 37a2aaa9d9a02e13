-- Which statements reset what is set for a role or for the database? Needs CREATEROLE, or to own the
-- database.
SELECT format('%s in %s', coalesce(nullif(s.setrole, 0)::regrole::text, 'everybody'),
              coalesce(d.datname, 'every database')),
       CASE WHEN s.setrole = 0 THEN format('ALTER DATABASE %I RESET ALL', d.datname)
            ELSE format('ALTER ROLE %s %s RESET ALL', s.setrole::regrole, 'IN DATABASE ' || quote_ident(d.datname))
       END
  FROM pg_db_role_setting s
  LEFT JOIN pg_database d ON d.oid = s.setdatabase
 WHERE (s.setrole <> 0 OR s.setdatabase <> 0)
   AND coalesce(nullif(s.setrole, 0)::regrole::text, '') !~ '^(pg_|cloudsql)'
 ORDER BY coalesce(nullif(s.setrole, 0)::regrole::text, '') !~ '^drill_selftest', 1
