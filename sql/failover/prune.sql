-- Removes the writes of all drills but these. Needs SELECT and DELETE on ops.failover_write.
DELETE FROM ops.failover_write WHERE drill <> ALL (%(kept)s::text[])
