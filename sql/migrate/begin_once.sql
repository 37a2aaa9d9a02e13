-- Notes that a statement which may commit by itself is about to run. Never replaces a row: who
-- wants that has to forget the step first. Needs INSERT on the ledger.
INSERT INTO ops.schema_migration_steps (version, direction, step, checksum, once, statement)
VALUES (%(version)s, %(direction)s, %(step)s, %(checksum)s, true, %(statement)s)
