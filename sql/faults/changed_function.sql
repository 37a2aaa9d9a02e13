-- Which statements give a function another body? Needs to own it.
SELECT p.oid::regprocedure::text,
       replace(pg_get_functiondef(p.oid), p.prosrc, p.prosrc || E'\n-- changed')
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_language l ON l.oid = p.prolang
 WHERE p.prokind = 'f' AND l.lanname IN ('plpgsql', 'sql') AND p.prosqlbody IS NULL
   AND /* include application_schemas */
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
 ORDER BY n.nspname <> 'drill_selftest', 1
