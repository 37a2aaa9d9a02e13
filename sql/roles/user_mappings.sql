-- Who may log in to which foreign server with a login that is stored here? Needs no privilege.
SELECT CASE umuser WHEN 0 THEN 'PUBLIC' ELSE usename::text END, srvname::text
  FROM pg_user_mappings
 ORDER BY 1, 2
