-- Which grants does this user lack to read the ledger, and to write it? Reads catalogs only.
-- Needs no privilege.
WITH ops AS (
    SELECT oid FROM pg_namespace WHERE nspname = 'ops'
), ledger AS (
    SELECT c.oid, c.relname
      FROM pg_class c JOIN ops ON ops.oid = c.relnamespace
     WHERE c.relname IN ('schema_migrations', 'schema_migration_steps')
), lacking AS (
    SELECT 1 AS place, true AS writing, format('CREATE ON DATABASE %%I', current_database()) AS what
     -- CREATE SCHEMA IF NOT EXISTS needs it also where the schema exists.
     WHERE (SELECT count(*) FROM ledger) < 2
       AND NOT has_database_privilege(current_database(), 'CREATE')
     UNION ALL
    SELECT 2, false, 'USAGE ON SCHEMA ops' FROM ops WHERE NOT has_schema_privilege(oid, 'USAGE')
     UNION ALL
    SELECT 3, true, 'CREATE ON SCHEMA ops' FROM ops
     WHERE (SELECT count(*) FROM ledger) < 2 AND NOT has_schema_privilege(oid, 'CREATE')
     UNION ALL
    SELECT 4, bool_and(needed.writing),
           format('%%s ON ops.%%I', string_agg(needed.privilege, ', '), relname)
      FROM ledger,
           (VALUES (false, 'SELECT'), (true, 'INSERT'), (true, 'UPDATE'), (true, 'DELETE'))
               AS needed (writing, privilege)
     WHERE NOT has_table_privilege(oid, needed.privilege)
       AND (%(writing)s OR NOT needed.writing)
     GROUP BY relname
)
SELECT format('GRANT %%s TO %%I', what, current_user)
  FROM lacking
 WHERE %(writing)s OR NOT writing
 ORDER BY place, what
