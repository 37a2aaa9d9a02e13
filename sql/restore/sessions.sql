-- How many other sessions are connected to this server? Needs no privilege.
SELECT sum(numbackends)::bigint - 1 FROM pg_stat_database
