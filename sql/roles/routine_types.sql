-- How does GRANT name each routine of these schemas? By the types of its input arguments: names, modes,
-- defaults and the ORDER BY of an aggregate, which the identity arguments show, are not allowed there.
-- IN keeps a procedure's input arguments apart from another's whole list. Needs no privilege.
-- https://www.postgresql.org/docs/15/sql-grant.html
SELECT n.nspname::text, p.proname::text, pg_get_function_identity_arguments(p.oid),
       coalesce((SELECT string_agg('IN ' || format_type(t.type, NULL), ', ' ORDER BY t.place)
                   FROM unnest(p.proargtypes) WITH ORDINALITY t (type, place)), '')
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = ANY(%(schemas)s)
