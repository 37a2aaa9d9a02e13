-- Who may do what with which object, and what will be granted on new ones? Needs no privilege.
SELECT format('relation %I.%I', n.nspname, c.relname), c.relacl::text
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^pg_(toast|temp)' AND c.relacl IS NOT NULL
 UNION ALL
SELECT format('column %s.%I', attrelid::regclass, attname), attacl::text
  FROM pg_attribute
 WHERE attacl IS NOT NULL AND attnum > 0 AND NOT attisdropped
 UNION ALL
SELECT format('schema %I', nspname), concat_ws(' ', pg_get_userbyid(nspowner), nspacl::text)
  FROM pg_namespace
 WHERE nspname !~ '^pg_(toast|temp)'
 UNION ALL
SELECT format('function %s', oid::regprocedure), proacl::text
  FROM pg_proc
 WHERE proacl IS NOT NULL
 UNION ALL
SELECT format('type %s', oid::regtype), typacl::text
  FROM pg_type
 WHERE typacl IS NOT NULL
 UNION ALL
SELECT format('database %I', datname), concat_ws(' ', pg_get_userbyid(datdba), datacl::text)
  FROM pg_database
 WHERE datname = current_database()
 UNION ALL
SELECT format('language %I', lanname), lanacl::text
  FROM pg_language
 WHERE lanacl IS NOT NULL
 UNION ALL
SELECT format('foreign data wrapper %I', fdwname), fdwacl::text
  FROM pg_foreign_data_wrapper
 WHERE fdwacl IS NOT NULL
 UNION ALL
SELECT format('server %I', srvname), srvacl::text
  FROM pg_foreign_server
 WHERE srvacl IS NOT NULL
 UNION ALL
SELECT format('tablespace %I', spcname), spcacl::text
  FROM pg_tablespace
 WHERE spcacl IS NOT NULL
 UNION ALL
SELECT format('parameter %s', parname), paracl::text
  FROM pg_parameter_acl
 UNION ALL
SELECT format('defaults of %I in %s for %s', pg_get_userbyid(defaclrole),
              coalesce(nullif(defaclnamespace, 0)::regnamespace::text, 'every schema'),
              defaclobjtype), defaclacl::text
  FROM pg_default_acl
 ORDER BY 1
