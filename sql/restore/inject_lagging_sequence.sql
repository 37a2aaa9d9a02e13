-- Puts the sequence that is farthest back to its start. Needs UPDATE on it.
SELECT f.name, setval(f.name::regclass, f.start)
  FROM (SELECT s.seqrelid::regclass::text AS name, s.seqstart AS start
          FROM pg_sequence s
          JOIN pg_class c ON c.oid = s.seqrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname NOT IN ('ops') AND NOT s.seqcycle AND s.seqincrement > 0
           AND has_sequence_privilege(s.seqrelid, 'SELECT, UPDATE')
           AND pg_sequence_last_value(s.seqrelid) > s.seqstart
         ORDER BY pg_sequence_last_value(s.seqrelid) DESC, 1
         LIMIT 1) AS f
