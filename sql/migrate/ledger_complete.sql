-- Has the ledger of migrations every column of today's? Needs no privilege.
SELECT count(*) = 3
  FROM pg_attribute
 WHERE (attrelid, attname) IN (
           (to_regclass('ops.schema_migrations'), 'down_checksum'),
           (to_regclass('ops.schema_migration_steps'), 'once'),
           (to_regclass('ops.schema_migration_steps'), 'statement'))
   AND NOT attisdropped
