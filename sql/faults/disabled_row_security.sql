-- Which statements let everybody see every row of a table that hid some? Needs to own it.
SELECT c.oid::regclass::text, format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', c.oid::regclass)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relrowsecurity
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', 1
