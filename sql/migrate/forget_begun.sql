-- Forgets that a step was begun, because somebody decided that it runs again.
-- Needs DELETE on the ledger.
DELETE FROM ops.schema_migration_steps
 WHERE version = %(version)s
   AND direction = %(direction)s
   AND step = %(step)s
   AND finished_at IS NULL
