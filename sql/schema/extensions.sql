-- Which extensions are there, in which version? Needs no privilege.
SELECT e.extname::text,
       concat_ws(' ', e.extversion, 'in', n.nspname, 'owner', pg_get_userbyid(e.extowner),
                 CASE WHEN e.extrelocatable THEN 'relocatable' END,
                 'dumped ' || e.extconfig::regclass[]::text, e.extcondition::text)
  FROM pg_extension e
  JOIN pg_namespace n ON n.oid = e.extnamespace
 ORDER BY 1
