-- Is there no relation, routine, type or schema that somebody made, but those of extensions? Needs no
-- privilege.
SELECT NOT EXISTS (
         SELECT FROM (SELECT 'pg_class'::regclass AS catalog, oid FROM pg_class
                       UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc
                       UNION ALL SELECT 'pg_type'::regclass, oid FROM pg_type
                       UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator
                       UNION ALL SELECT 'pg_namespace'::regclass, oid FROM pg_namespace
                                  WHERE nspname !~ '^pg_(toast_)?temp') made
          WHERE made.oid >= 16384  -- FirstNormalObjectId: below are PostgreSQL's own objects
            AND NOT EXISTS (SELECT FROM pg_depend d
                             WHERE d.classid = made.catalog AND d.objid = made.oid
                               AND d.deptype IN ('e', 'i', 'a')))
