-- Notes that a step is done, whether or not it was noted as begun. Needs INSERT and UPDATE on the ledger.
INSERT INTO ops.schema_migration_steps (version, direction, step, checksum, finished_at)
VALUES (%(version)s, %(direction)s, %(step)s, %(checksum)s, clock_timestamp())
    ON CONFLICT (version, direction, step)
    DO UPDATE SET checksum = excluded.checksum,
                  finished_at = excluded.finished_at
