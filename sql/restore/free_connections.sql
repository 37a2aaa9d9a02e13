-- How many connections the server has room for beside those that are open now: those that only
-- superusers may take don't count. Needs no privilege.
SELECT current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true)::int, 0)
       - (SELECT coalesce(sum(numbackends), 0)::int FROM pg_stat_database) AS free,
       current_setting('max_connections')::int AS limit_
