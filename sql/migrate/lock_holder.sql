-- Who holds the runner's lock in this database? Other users' queries need pg_read_all_stats.
SELECT a.pid, coalesce(a.usename, ''), a.application_name, coalesce(a.state, ''),
       extract(epoch FROM clock_timestamp() - a.backend_start)::float8,
       left(coalesce(a.query, ''), 200)
  FROM pg_locks l
  JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory'
   AND l.granted
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (l.classid::bigint << 32) + l.objid::bigint = %(key)s
   AND l.objsubid = 1
 ORDER BY a.pid
