-- Which routines run with the rights of their owner, or of the server, whoever calls them, and on
-- which tables does a trigger call them? Those of extensions are left out. Needs no privilege.
SELECT n.nspname::text, p.proname::text, pg_get_function_identity_arguments(p.oid),
       pg_get_userbyid(p.proowner)::text,
       CASE WHEN p.prosecdef THEN '' ELSE l.lanname::text END,
       coalesce(pg_get_function_sqlbody(p.oid), p.prosrc),
       EXISTS (SELECT FROM unnest(p.proconfig) setting WHERE setting LIKE 'search\_path=%%'),
       ARRAY(SELECT DISTINCT ARRAY[tn.nspname, c.relname]::text[]
               FROM pg_trigger t
               JOIN pg_class c ON c.oid = t.tgrelid
               JOIN pg_namespace tn ON tn.oid = c.relnamespace
              WHERE t.tgfoid = p.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D')
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_language l ON l.oid = p.prolang
 WHERE /* include user_schemas */
   AND p.prokind IN ('f', 'p')
   AND (p.prosecdef OR NOT l.lanpltrusted AND l.lanname <> 'internal')
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
 ORDER BY 1, 2, 3
