-- Which statements take a sequence from the column that it feeds? Needs to own both.
SELECT s.seqrelid::regclass::text, format('ALTER SEQUENCE %s OWNED BY NONE', s.seqrelid::regclass)
  FROM pg_sequence s
  JOIN pg_class c ON c.oid = s.seqrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE /* include application_schemas */
   AND EXISTS (SELECT FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.deptype = 'a'
                  AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0)
 ORDER BY n.nspname <> 'drill_selftest', 1
