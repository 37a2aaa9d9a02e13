-- What may each role that is no superuser do in this database, by whatever way but SET ROLE:
-- grants, memberships that are inherited, PUBLIC, ownership, predefined roles? PUBLIC itself is a
-- role called public here. What belongs to an extension is left out. Needs no privilege.
WITH who (name) AS (
    SELECT rolname::text FROM pg_roles WHERE NOT rolsuper AND NOT rolname = ANY(%(skipped)s)
     UNION ALL
    SELECT 'public'
),
schemas AS (
    SELECT n.oid, n.nspname
      FROM pg_namespace n
     WHERE /* include user_schemas */
),
relations AS (
    SELECT c.oid, s.nspname, c.relname, c.relkind
      FROM pg_class c
      JOIN schemas s ON s.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
       AND NOT EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e')
)
SELECT w.name, 'database', ARRAY[d.datname]::text[], p.word
  FROM who w
 CROSS JOIN pg_database d
 CROSS JOIN (VALUES ('CONNECT'), ('CREATE'), ('TEMPORARY')) p (word)
 WHERE (d.datname = current_database() OR p.word = 'CREATE')
   AND has_database_privilege(w.name, d.oid, p.word)
 UNION ALL
SELECT w.name, 'schema', ARRAY[s.nspname]::text[], p.word
  FROM who w
 CROSS JOIN schemas s
 CROSS JOIN (VALUES ('USAGE'), ('CREATE')) p (word)
 WHERE has_schema_privilege(w.name, s.oid, p.word)
 UNION ALL
SELECT w.name, 'table', ARRAY[r.nspname, r.relname]::text[], p.word
  FROM who w
 CROSS JOIN relations r
 CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'),
                    ('TRIGGER'), ('MAINTAIN')) p (word)
 WHERE r.relkind <> 'S'
   AND (p.word <> 'MAINTAIN' OR current_setting('server_version_num')::int >= 170000)
   AND has_table_privilege(w.name, r.oid, p.word)
 UNION ALL
SELECT w.name, 'column', ARRAY[r.nspname, r.relname, a.attname]::text[], p.word
  FROM who w
 CROSS JOIN relations r
  JOIN pg_attribute a ON a.attrelid = r.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
 CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('REFERENCES')) p (word)
 WHERE r.relkind <> 'S'
   AND NOT has_table_privilege(w.name, r.oid, p.word)
   AND has_column_privilege(w.name, r.oid, a.attnum, p.word)
 UNION ALL
SELECT w.name, 'sequence', ARRAY[r.nspname, r.relname]::text[], p.word
  FROM who w
 CROSS JOIN relations r
 CROSS JOIN (VALUES ('USAGE'), ('SELECT'), ('UPDATE')) p (word)
 WHERE CASE WHEN r.relkind = 'S' THEN has_sequence_privilege(w.name, r.oid, p.word) END
 UNION ALL
SELECT w.name, 'routine',
       ARRAY[s.nspname, f.proname, pg_get_function_identity_arguments(f.oid)]::text[], 'EXECUTE'
  FROM who w
 CROSS JOIN pg_proc f
  JOIN schemas s ON s.oid = f.pronamespace
 WHERE has_function_privilege(w.name, f.oid, 'EXECUTE')
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e')
