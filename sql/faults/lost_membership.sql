-- Which statements take a role out of another? Needs CREATEROLE, or the admin option.
SELECT format('%s of %s', m.member::regrole, m.roleid::regrole),
       format('REVOKE %s FROM %s', m.roleid::regrole, m.member::regrole)
  FROM pg_auth_members m
 WHERE m.member::regrole::text !~ '^(pg_|cloudsql|postgres)'
   AND m.member NOT IN (to_regrole({{ owner|literal }}), to_regrole({{ app|literal }}))
 ORDER BY m.member::regrole::text !~ '^drill_selftest', 1
