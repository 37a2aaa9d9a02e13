-- Ends the current WAL segment and names it. Needs a superuser.
SELECT pg_walfile_name(pg_switch_wal() - 1)
