-- Which roles are there, what may they do, and of which roles are they members? Since PostgreSQL 16
-- one may be granted by several, with or without INHERIT and SET. Passwords are not read: only
-- superusers could. Needs no privilege.
SELECT format('role %I', rolname),
       concat_ws(' ', CASE WHEN rolsuper THEN 'superuser' END,
                 CASE WHEN rolinherit THEN 'inherit' END,
                 CASE WHEN rolcreaterole THEN 'createrole' END,
                 CASE WHEN rolcreatedb THEN 'createdb' END,
                 CASE WHEN rolcanlogin THEN 'login' END,
                 CASE WHEN rolreplication THEN 'replication' END,
                 CASE WHEN rolbypassrls THEN 'bypassrls' END,
                 'connections', rolconnlimit, 'valid until ' || rolvaliduntil)
  FROM pg_roles
 UNION ALL
SELECT format('%I is a member of %I, granted by %I', pg_get_userbyid(m.member),
              pg_get_userbyid(m.roleid), pg_get_userbyid(m.grantor)),
       concat_ws(' ', CASE WHEN m.admin_option THEN 'with admin option' END,
                 'inherit ' || (to_jsonb(m) ->> 'inherit_option'),
                 'set ' || (to_jsonb(m) ->> 'set_option'))
  FROM pg_auth_members m
 ORDER BY 1
