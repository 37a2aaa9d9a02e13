-- What is set for this database and for roles, and how does the database sort and encode?
-- The ICU locale's column is called datlocale since PostgreSQL 17. Needs no privilege.
SELECT format('%s in %s', coalesce(nullif(setrole, 0)::regrole::text, 'everybody'),
              coalesce(d.datname, 'every database')), setconfig::text
  FROM pg_db_role_setting s
  LEFT JOIN pg_database d ON d.oid = s.setdatabase
 UNION ALL
SELECT format('database %I', datname),
       concat_ws(' ', pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider,
                 coalesce(to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale'),
                 'collation ' || datcollversion,
                 'runs on ' || pg_database_collation_actual_version(oid), 'connections', datconnlimit,
                 'tablespace', (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = d.dattablespace),
                 CASE WHEN datistemplate THEN 'template' END,
                 CASE WHEN datallowconn THEN 'open' ELSE 'closed' END)
  FROM pg_database d
 WHERE datname = current_database()
 ORDER BY 1
