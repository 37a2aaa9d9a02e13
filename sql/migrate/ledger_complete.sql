-- Has the ledger of migrations every column of today's? Needs no privilege.
SELECT count(*) = 2
  FROM pg_attribute
 WHERE attrelid = to_regclass('ops.schema_migration_steps')
   AND attname IN ('once', 'statement')
   AND NOT attisdropped
