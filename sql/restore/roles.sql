-- Which roles are there, what may they do, and of which roles are they members?
-- Needs no privilege.
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
SELECT format('%I is a member of %I', pg_get_userbyid(member), pg_get_userbyid(roleid)),
       concat_ws(' ', 'granted by', pg_get_userbyid(grantor),
                 CASE WHEN admin_option THEN 'with admin option' END)
  FROM pg_auth_members
 ORDER BY 1
