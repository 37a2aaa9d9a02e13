-- Writes one heartbeat; the transaction's number tells whether anybody else finished meanwhile.
-- Needs INSERT and SELECT on ops.drill_heartbeat.
INSERT INTO ops.drill_heartbeat (drill, label)
VALUES (%(drill)s, %(label)s)
RETURNING id, written_at, pg_current_xact_id()::text
