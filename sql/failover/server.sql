-- Which PostgreSQL answers, and since when? Needs no privilege.
SELECT current_setting('server_version'), pg_postmaster_start_time(), pg_is_in_recovery()
