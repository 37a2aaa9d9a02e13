-- Which relations, functions, constraints, triggers, schemas and extensions are there, and which
-- transaction made or changed each last? Needs no privilege.
WITH next (number) AS (
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::numeric
), made (label, number) AS (
    SELECT format('relation %s.%s', n.nspname, c.relname), c.xmin::text::numeric
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
     UNION ALL
    SELECT format('function %s.%s(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
           p.xmin::text::numeric
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
     UNION ALL
    SELECT format('constraint %s of %s.%s', k.conname, n.nspname, c.relname), k.xmin::text::numeric
      FROM pg_constraint k
      JOIN pg_class c ON c.oid = k.conrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
     UNION ALL
    SELECT format('trigger %s of %s.%s', t.tgname, n.nspname, c.relname), t.xmin::text::numeric
      FROM pg_trigger t
      JOIN pg_class c ON c.oid = t.tgrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE NOT t.tgisinternal
     UNION ALL
    SELECT format('schema %s', nspname), xmin::text::numeric
      FROM pg_namespace
     WHERE nspname !~ '^pg_(toast|temp)'
     UNION ALL
    SELECT format('extension %s', extname), xmin::text::numeric
      FROM pg_extension
), whole (label, number) AS (
    SELECT made.label, made.number + div(next.number, 4294967296) * 4294967296
      FROM made CROSS JOIN next
)
SELECT w.label,
       trunc(CASE WHEN w.number > next.number THEN w.number - 4294967296 ELSE w.number END)::bigint
  FROM whole w
 CROSS JOIN next
 ORDER BY 1
