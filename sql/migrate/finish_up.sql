-- Notes that a migration is applied. Needs INSERT on the ledger.
INSERT INTO ops.schema_migrations (version, name, checksum, down_checksum, duration_ms)
VALUES (%(version)s, %(name)s, %(checksum)s, %(down_checksum)s, %(duration_ms)s)
