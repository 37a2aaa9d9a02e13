-- Which statements give a sequence another step? Needs to own it.
SELECT s.seqrelid::regclass::text,
       format('ALTER SEQUENCE %s INCREMENT BY %s', s.seqrelid::regclass, s.seqincrement * 2)
  FROM pg_sequence s
  JOIN pg_class c ON c.oid = s.seqrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE /* include application_schemas */
   AND pg_has_role(c.relowner, 'USAGE')
 ORDER BY n.nspname <> 'drill_selftest', 1
