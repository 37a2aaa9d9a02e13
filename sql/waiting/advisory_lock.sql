-- Who holds an advisory lock in this database, and for how long has that session lasted?
-- Needs no privilege for who; other users' state, age and query need pg_read_all_stats.
SELECT a.pid, '', coalesce(a.usename, ''), a.application_name, coalesce(a.state, ''),
       coalesce(extract(epoch FROM clock_timestamp() - a.backend_start), 0)::float8,
       left(coalesce(a.query, ''), 200)
  FROM pg_locks l
  JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory'
   AND l.granted
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (l.classid::bigint << 32) + l.objid::bigint = %(key)s
   AND l.objsubid = 1
 ORDER BY a.pid
