-- How many clients are connected, how many may be, and how many of these are kept for superusers?
-- Needs no privilege.
SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
       current_setting('max_connections')::integer,
       current_setting('superuser_reserved_connections')::integer
