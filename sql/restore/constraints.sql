-- Which constraints are there, and are they validated? Needs no privilege.
SELECT format('%s: %I', coalesce(nullif(c.conrelid, 0)::regclass::text,
                                 nullif(c.contypid, 0)::regtype::text), c.conname),
       concat_ws(' ', pg_get_constraintdef(c.oid), CASE WHEN c.convalidated THEN 'validated' END)
  FROM pg_constraint c
  JOIN pg_namespace n ON n.oid = c.connamespace
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^pg_(toast|temp)'
 ORDER BY 1
