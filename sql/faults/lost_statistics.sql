-- Which statements drop extended statistics? Needs to own them.
SELECT format('%I.%I', n.nspname, s.stxname), format('DROP STATISTICS %I.%I', n.nspname, s.stxname)
  FROM pg_statistic_ext s
  JOIN pg_namespace n ON n.oid = s.stxnamespace
 WHERE /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
