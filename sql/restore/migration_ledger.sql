-- Is there a ledger of migrations, and may we read it? Needs no privilege.
SELECT to_regclass('ops.schema_migrations') IS NOT NULL,
       coalesce(has_table_privilege(to_regclass('ops.schema_migrations'), 'SELECT'), false)
