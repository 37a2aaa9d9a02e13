-- Which types are there: enums with their labels in order, domains, ranges, composites?
-- Needs no privilege.
SELECT format('%I.%I', n.nspname, t.typname),
       concat_ws(' ', 'type', t.typtype, 'owner', pg_get_userbyid(t.typowner),
                 (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
                    FROM pg_enum e WHERE e.enumtypid = t.oid),
                 CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
                 CASE WHEN t.typnotnull THEN 'not null' END, 'default ' || t.typdefault,
                 (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid))
  FROM pg_type t
  JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^pg_(toast|temp)'
   AND t.typelem = 0
   AND t.typtype IN ('e', 'd', 'r', 'm', 'b', 'c')
   AND (t.typtype <> 'c' OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
 ORDER BY 1
