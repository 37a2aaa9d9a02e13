-- What do roles own, here and in other databases, and where else were they granted something?
-- Only what is in this database is
-- named. Needs no privilege.
SELECT r.rolname::text,
       CASE s.deptype WHEN 'o' THEN 'owner' ELSE 'grantee' END,
       coalesce(d.datname::text, current_database()),
       CASE WHEN s.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
            THEN coalesce((SELECT i.type || ' ' || i.identity
                             FROM pg_identify_object(s.classid, s.objid, s.objsubid) i),
                          s.classid::regclass::text)
            ELSE s.classid::regclass::text END,
       s.classid::regclass::text,
       count(*)
  FROM pg_shdepend s
  JOIN pg_roles r ON r.oid = s.refobjid AND s.refclassid = 'pg_authid'::regclass
  LEFT JOIN pg_database d ON d.oid = s.dbid
 WHERE NOT r.rolname = ANY(%(skipped)s)
   AND (s.deptype = 'o'
    OR s.deptype = 'a' AND s.dbid NOT IN
        (0, (SELECT oid FROM pg_database WHERE datname = current_database())))
 GROUP BY 1, 2, 3, 4, 5
 ORDER BY 1, 2, 3, 4
