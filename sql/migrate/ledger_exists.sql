-- Is there a ledger of migrations in this database? Needs no privilege.
SELECT to_regclass('ops.schema_migrations') IS NOT NULL
   AND to_regclass('ops.schema_migration_steps') IS NOT NULL
