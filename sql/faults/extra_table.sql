-- Which statement makes a table that the source does not have? Needs CREATE on a schema.
SELECT format('%I.left_over', n.nspname), format('CREATE TABLE %I.left_over (id bigint)', n.nspname)
  FROM pg_namespace n
 WHERE /* include application_schemas */
   AND has_schema_privilege(n.oid, 'CREATE')
 ORDER BY n.nspname <> 'drill_selftest', 1
