-- Which statements put a sequence far ahead? Needs UPDATE on it.
SELECT s.seqrelid::regclass::text,
       format('SELECT setval(%s, %s)', s.seqrelid,
              least(s.seqmax, pg_sequence_last_value(s.seqrelid) + 1000000))
  FROM pg_sequence s
  JOIN pg_class c ON c.oid = s.seqrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE /* include application_schemas */
   AND NOT s.seqcycle AND s.seqincrement > 0
   AND has_sequence_privilege(s.seqrelid, 'SELECT, UPDATE')
   AND pg_sequence_last_value(s.seqrelid) >= s.seqstart
 ORDER BY n.nspname <> 'drill_selftest', 1
