-- Forgets that a step was begun: it failed, and left nothing. A step that must not be repeated
-- keeps its row. Needs DELETE on the ledger.
DELETE FROM ops.schema_migration_steps
 WHERE version = %(version)s
   AND direction = %(direction)s
   AND step = %(step)s
   AND finished_at IS NULL
   AND NOT once
