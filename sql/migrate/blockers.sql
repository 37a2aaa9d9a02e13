-- Who keeps this session waiting for a lock? Other users' queries need pg_read_all_stats.
SELECT b.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''),
       CASE WHEN b.pid = 0 THEN 'prepared transaction' ELSE coalesce(a.state, '') END,
       coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8,
       left(coalesce(a.query, ''), 200)
  FROM unnest(pg_blocking_pids(%(pid)s)) AS b (pid)
  LEFT JOIN pg_stat_activity a ON a.pid = b.pid
 ORDER BY a.xact_start NULLS LAST, b.pid
