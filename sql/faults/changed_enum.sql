-- Which statements add a label to an enum? Needs to own it.
SELECT t.oid::regtype::text, format('ALTER TYPE %s ADD VALUE ''left over''', t.oid::regtype)
  FROM pg_type t
  JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE t.typtype = 'e'
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
