-- Notes that a step is about to run. A step that must not be repeated keeps its row.
-- Needs INSERT and UPDATE on the ledger.
INSERT INTO ops.schema_migration_steps AS steps (version, direction, step, checksum)
VALUES (%(version)s, %(direction)s, %(step)s, %(checksum)s)
    ON CONFLICT (version, direction, step)
    DO UPDATE SET checksum = excluded.checksum,
                  started_at = excluded.started_at,
                  finished_at = NULL
     WHERE NOT steps.once
