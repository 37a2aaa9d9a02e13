-- Which functions, procedures and aggregates are there? Needs no privilege.
SELECT p.oid::regprocedure::text,
       concat_ws(' ', CASE WHEN p.prokind = 'a'
                           THEN (SELECT a::text FROM pg_aggregate a WHERE a.aggfnoid = p.oid)
                           ELSE md5(concat(pg_get_functiondef(p.oid), p.prosqlbody)) END,
                 'owner', pg_get_userbyid(p.proowner))
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE /* include user_schemas */
 ORDER BY 1
