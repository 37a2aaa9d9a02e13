-- Which types are there: enums with their labels in order, domains, ranges, composites, base types?
-- Needs no privilege.
SELECT format('%I.%I', n.nspname, t.typname),
       concat_ws(' ', 'type', t.typtype, 'category', t.typcategory, 'owner', pg_get_userbyid(t.typowner),
                 (SELECT string_agg(format('%L', e.enumlabel), ', ' ORDER BY e.enumsortorder)
                    FROM pg_enum e WHERE e.enumtypid = t.oid),
                 CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
                 CASE WHEN t.typtype = 'd' THEN 'collate ' || nullif(t.typcollation, 0)::regcollation END,
                 CASE WHEN t.typnotnull THEN 'not null' END, 'default ' || t.typdefault,
                 (SELECT concat_ws(' ', format_type(r.rngsubtype, NULL),
                                   'multirange ' || nullif(r.rngmultitypid, 0)::regtype,
                                   'collate ' || nullif(r.rngcollation, 0)::regcollation,
                                   'canonical ' || nullif(r.rngcanonical, 0)::regproc,
                                   'difference ' || nullif(r.rngsubdiff, 0)::regproc,
                                   'operators ' || (SELECT o.opcname FROM pg_opclass o
                                                     WHERE o.oid = r.rngsubopc))
                    FROM pg_range r WHERE r.rngtypid = t.oid),
                 CASE WHEN t.typtype = 'b'
                      THEN concat_ws(' ', 'length', t.typlen, 'align', t.typalign, 'storage', t.typstorage,
                                     t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin,
                                     t.typmodout, t.typanalyze, t.typsubscript, t.typdelim) END)
  FROM pg_type t
  JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE /* include user_schemas */
   AND t.typsubscript IS DISTINCT FROM 'array_subscript_handler'::regproc
   AND (t.typtype <> 'c' OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
 ORDER BY 1
