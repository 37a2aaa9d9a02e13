-- Is the server's clock past a time? The number of a transaction is taken, whose commit is then
-- later than that time: recovery to it has an end to look for. Needs no privilege.
SELECT clock_timestamp() > %(moment)s, pg_current_xact_id()::text
