-- Which statements put a sequence back to its start, the farthest first? Needs UPDATE on it.
SELECT s.seqrelid::regclass::text, format('SELECT setval(%s, %s)', s.seqrelid, s.seqstart)
  FROM pg_sequence s
  JOIN pg_class c ON c.oid = s.seqrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE /* include application_schemas */
   AND NOT s.seqcycle AND s.seqincrement > 0
   AND has_sequence_privilege(s.seqrelid, 'SELECT, UPDATE')
   AND pg_sequence_last_value(s.seqrelid) > s.seqstart
 ORDER BY n.nspname <> 'drill_selftest', pg_sequence_last_value(s.seqrelid) DESC, 1
