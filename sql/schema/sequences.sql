-- How far are these sequences (null where it was never used or may not be read), and by how much
-- may a recovered one be ahead: PostgreSQL logs 32 values in advance (SEQ_LOG_VALS in
-- src/backend/commands/sequence.c) and every session takes its cache from there, and
-- in which file are they: RESTART gives a sequence another one? To look at one locks it until the
-- transaction ends, so they are asked about in batches.
-- Needs USAGE or SELECT on the sequences.
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       has_sequence_privilege(s.seqrelid, 'SELECT, USAGE'),
       CASE WHEN has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
            THEN pg_sequence_last_value(s.seqrelid) END,
       s.seqincrement,
       (32 + s.seqcache) * abs(s.seqincrement),
       s.seqcycle,
       pg_relation_filenode(s.seqrelid)
  FROM pg_sequence s
  JOIN pg_class c ON c.oid = s.seqrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relpersistence = 'p'
   AND s.seqrelid = ANY (%(relations)s::bigint[]::oid[])
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid
                      AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
                      AND d.refobjid = to_regclass('ops.drill_heartbeat'))
 ORDER BY 1
