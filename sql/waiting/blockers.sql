-- Who keeps a session waiting for a lock at this moment?
-- Needs no privilege for who; other users' state, age and query need pg_read_all_stats.
SELECT DISTINCT ON (b.pid, p.gid)
       b.pid, coalesce(p.gid, ''), coalesce(a.usename, p.owner, ''),
       coalesce(a.application_name, ''),
       CASE WHEN b.pid = 0 THEN 'prepared' ELSE coalesce(a.state, '') END,
       coalesce(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared)),
                0)::float8,
       left(coalesce(a.query, ''), 200),
       '', coalesce(held.virtualtransaction, ''), true
  FROM unnest(pg_blocking_pids(%(pid)s)) AS b (pid)
  LEFT JOIN pg_stat_activity a ON a.pid = b.pid
  -- A prepared transaction has no pid: it is who holds what this session waits for.
  LEFT JOIN pg_locks waits ON b.pid = 0 AND waits.pid = %(pid)s AND NOT waits.granted
  LEFT JOIN pg_locks held
         ON held.pid IS NULL AND held.granted AND held.locktype = waits.locktype
        AND (held.database, held.relation, held.page, held.tuple, held.transactionid,
             held.classid, held.objid, held.objsubid)
            IS NOT DISTINCT FROM
            (waits.database, waits.relation, waits.page, waits.tuple, waits.transactionid,
             waits.classid, waits.objid, waits.objsubid)
  LEFT JOIN pg_locks own ON own.pid IS NULL AND own.locktype = 'transactionid'
                        AND own.virtualtransaction = held.virtualtransaction
  LEFT JOIN pg_prepared_xacts p ON p.transaction = own.transactionid
 ORDER BY b.pid, p.gid
