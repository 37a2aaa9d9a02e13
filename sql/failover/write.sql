-- Writes one number of a writer; tried again, it writes nothing where it was written before.
-- Needs INSERT on ops.failover_write.
INSERT INTO ops.failover_write (drill, writer, number)
VALUES (%(drill)s, %(writer)s, %(number)s)
    ON CONFLICT DO NOTHING
