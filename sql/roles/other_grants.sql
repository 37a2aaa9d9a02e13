-- What was granted on anything but the tables, sequences, routines and schemas of users: types,
-- languages, foreign servers, settings, large objects, tablespaces, other databases, and what
-- PostgreSQL and extensions brought along, beyond what they grant themselves? Needs no privilege.
WITH listed (kind, name, owner, acl, initial) AS (
    SELECT 'type', format_type(t.oid, NULL), t.typowner, t.typacl, acldefault('T', t.typowner)
      FROM pg_type t
     WHERE t.typacl IS NOT NULL
     UNION ALL
    SELECT 'language', lanname, lanowner, lanacl, acldefault('l', lanowner)
      FROM pg_language
     WHERE lanacl IS NOT NULL
     UNION ALL
    SELECT 'foreign data wrapper', fdwname, fdwowner, fdwacl, NULL
      FROM pg_foreign_data_wrapper
     UNION ALL
    SELECT 'foreign server', srvname, srvowner, srvacl, NULL
      FROM pg_foreign_server
     UNION ALL
    SELECT 'large object', oid::text, lomowner, lomacl, NULL
      FROM pg_largeobject_metadata
     UNION ALL
    SELECT 'tablespace', spcname, spcowner, spcacl, NULL
      FROM pg_tablespace
     UNION ALL
    SELECT 'database', datname, datdba, datacl, acldefault('d', datdba)
      FROM pg_database
     WHERE datname <> current_database() AND datacl IS NOT NULL
     UNION ALL
    SELECT 'table', c.oid::regclass::text, c.relowner, c.relacl, i.initprivs
      FROM pg_class c
      LEFT JOIN pg_init_privs i
             ON i.classoid = 'pg_class'::regclass AND i.objoid = c.oid AND i.objsubid = 0
     WHERE c.relacl IS NOT NULL
       AND (c.relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            OR EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e'))
     UNION ALL
    SELECT 'column', a.attrelid::regclass || '.' || quote_ident(a.attname), c.relowner, a.attacl,
           i.initprivs
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      LEFT JOIN pg_init_privs i
             ON i.classoid = 'pg_class'::regclass AND i.objoid = c.oid AND i.objsubid = a.attnum
     WHERE a.attacl IS NOT NULL
       AND (c.relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            OR EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e'))
     UNION ALL
    SELECT 'routine', p.oid::regprocedure::text, p.proowner, p.proacl,
           coalesce(i.initprivs, acldefault('f', p.proowner))
      FROM pg_proc p
      LEFT JOIN pg_init_privs i ON i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid
     WHERE p.proacl IS NOT NULL
       AND (p.pronamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            OR EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.deptype = 'e'))
     UNION ALL
    SELECT 'schema', n.nspname, n.nspowner, n.nspacl, i.initprivs
      FROM pg_namespace n
      LEFT JOIN pg_init_privs i ON i.classoid = 'pg_namespace'::regclass AND i.objoid = n.oid
     WHERE n.nspname IN ('pg_catalog', 'information_schema')
     {% if with_parameters %}
     UNION ALL
    SELECT 'setting', parname, 10, paracl, NULL
      FROM pg_parameter_acl
     {% endif %}
)
SELECT coalesce(r.rolname::text, 'PUBLIC'), kind, name::text, x.privilege_type::text
  FROM listed
 CROSS JOIN aclexplode(acl) x
  LEFT JOIN pg_roles r ON r.oid = x.grantee
 WHERE x.grantee <> owner AND (x.grantee = 0 OR NOT r.rolsuper)
   AND NOT EXISTS (SELECT FROM aclexplode(initial) y
                    WHERE y.grantee = x.grantee AND y.privilege_type = x.privilege_type)
   AND (x.grantee = 0
        OR NOT EXISTS (SELECT FROM aclexplode(acl) y
                        WHERE y.grantee = 0 AND y.privilege_type = x.privilege_type))
   -- initdb lets everybody read the information schema, and keeps no record of it
   AND NOT (x.grantee = 0 AND x.privilege_type IN ('SELECT', 'USAGE')
            AND split_part(name::text, '.', 1) = 'information_schema')
 ORDER BY 1, 2, 3, 4
