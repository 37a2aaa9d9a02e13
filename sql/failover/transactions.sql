-- Which transactions of clients have been open for long, and of how many sessions can't it be
-- told? Needs pg_read_all_stats to see what others do; without it they are counted as untold.
SELECT pid, coalesce(usename, ''), application_name, coalesce(state, ''),
       extract(epoch FROM clock_timestamp() - xact_start)::float8,
       query = '<insufficient privilege>'
  FROM pg_stat_activity
 WHERE backend_type = 'client backend'
   AND pid <> pg_backend_pid()
   AND (query = '<insufficient privilege>'
        OR xact_start < clock_timestamp() - make_interval(secs => %(age_s)s))
 ORDER BY xact_start
