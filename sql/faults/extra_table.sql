-- Which statement makes a table that the source does not have? Needs CREATE on a schema.
SELECT format('%I.left_over', n.nspname), format('CREATE TABLE %I.left_over (id bigint)', n.nspname)
  FROM pg_namespace n
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'ops') AND n.nspname !~ '^pg_(toast|temp)'
   AND has_schema_privilege(n.oid, 'CREATE')
 ORDER BY n.nspname <> 'drill_selftest', 1
