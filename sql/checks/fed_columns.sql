-- Which column of numbers do these sequences feed, how far is the sequence, and is the table an
-- ordinary one?
-- To look at a sequence locks it until the transaction ends, so they are asked about in batches.
-- Needs USAGE or SELECT on the sequences.
SELECT quote_ident(sn.nspname) || '.' || quote_ident(sc.relname), n.nspname, c.relname, a.attname,
       CASE WHEN has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
            THEN pg_sequence_last_value(s.seqrelid) END,
       has_sequence_privilege(s.seqrelid, 'SELECT, USAGE'),
       s.seqincrement, c.relkind = 'r'
  FROM pg_sequence s
  JOIN pg_class sc ON sc.oid = s.seqrelid
  JOIN pg_namespace sn ON sn.oid = sc.relnamespace
  JOIN pg_depend d ON d.objid = s.seqrelid AND d.classid = 'pg_class'::regclass
                  AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
                  AND d.refobjsubid > 0
  JOIN pg_class c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p')
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  JOIN pg_type t ON t.oid = a.atttypid AND t.typcategory = 'N'
 WHERE NOT s.seqcycle
   AND s.seqrelid = ANY (%(relations)s::bigint[]::oid[])
   AND n.nspname !~ '^pg_temp'
 ORDER BY 1
