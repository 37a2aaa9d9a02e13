-- How are the sequences defined, and whose columns do they feed? Needs no privilege.
SELECT s.seqrelid::regclass::text,
       concat_ws(' ', s.seqtypid::regtype, 'start', s.seqstart, 'by', s.seqincrement,
                 'from', s.seqmin, 'to', s.seqmax, 'cache', s.seqcache,
                 CASE WHEN s.seqcycle THEN 'cycle' END,
                 (SELECT format('feeds %s.%s', d.refobjid::regclass, a.attname)
                    FROM pg_depend d
                    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                   WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid
                     AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
                   LIMIT 1))
  FROM pg_sequence s
 ORDER BY 1
