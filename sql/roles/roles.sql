-- Which roles has the instance, with which attributes, and may we change them and their members?
-- From PostgreSQL 16 on CREATEROLE alone is not enough for that. Needs no privilege.
SELECT r.rolname::text, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
       r.rolbypassrls, r.rolcanlogin,
       me.rolsuper OR me.rolcreaterole AND
           (current_setting('server_version_num')::int < 160000
            OR pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION'))
  FROM pg_roles r
 CROSS JOIN pg_roles me
 WHERE me.rolname = current_user
 ORDER BY 1
