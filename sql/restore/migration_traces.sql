-- What did the transaction write that wrote a migration's row in the ledger: which rows of the
-- catalogs, which steps of the migration? The ledger's own tables don't count.
-- Needs SELECT on ops.schema_migration_steps.
WITH ledger (id) AS (
    SELECT unnest(ARRAY['ops.schema_migrations'::regclass, 'ops.schema_migration_steps'::regclass])
), traces (kind, object, name, xmin) AS (
    SELECT 'relation', oid::text, oid::regclass::text, xmin
      FROM pg_class WHERE oid NOT IN (SELECT id FROM ledger)
     UNION ALL
    SELECT 'column', attrelid || '.' || attnum, attrelid::regclass || '.' || attname, xmin
      FROM pg_attribute WHERE attnum > 0 AND attrelid NOT IN (SELECT id FROM ledger)
     UNION ALL
    SELECT 'default', oid::text, adrelid::regclass::text, xmin
      FROM pg_attrdef WHERE adrelid NOT IN (SELECT id FROM ledger)
     UNION ALL
    SELECT 'constraint', oid::text, conname, xmin
      FROM pg_constraint WHERE conrelid NOT IN (SELECT id FROM ledger)
     UNION ALL
    SELECT 'index', indexrelid::text, indexrelid::regclass::text, xmin
      FROM pg_index WHERE indrelid NOT IN (SELECT id FROM ledger)
     UNION ALL
    SELECT 'function', oid::text, proname, xmin FROM pg_proc
     UNION ALL
    SELECT 'type', oid::text, typname, xmin FROM pg_type
     WHERE typrelid NOT IN (SELECT id FROM ledger)
     UNION ALL
    SELECT 'label', oid::text, enumlabel, xmin FROM pg_enum
     UNION ALL
    SELECT 'trigger', oid::text, tgname, xmin FROM pg_trigger
     UNION ALL
    SELECT 'rule', oid::text, rulename, xmin FROM pg_rewrite
     UNION ALL
    SELECT 'policy', oid::text, polname, xmin FROM pg_policy
     UNION ALL
    SELECT 'schema', oid::text, nspname, xmin FROM pg_namespace
     UNION ALL
    SELECT 'extension', oid::text, extname, xmin FROM pg_extension
     UNION ALL
    SELECT 'step', version || '.' || step, version || ', step ' || step, xmin
      FROM ops.schema_migration_steps WHERE version = %(version)s AND direction = 'up'
)
SELECT kind, object, name
  FROM traces
 WHERE xmin = %(transaction)s::text::xid
 ORDER BY kind, object
