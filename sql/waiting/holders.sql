-- Who holds up a statement with CONCURRENTLY on these relations: by a lock, or by an old snapshot?
-- Needs no privilege for who; other users' state, age and query need pg_read_all_stats, and so
-- does the answer where the last column is false.
WITH named AS (
    SELECT to_regclass(name)::oid AS oid FROM unnest(%(relations)s::text[]) AS name
     UNION
    SELECT tree.relid
      FROM unnest(%(relations)s::text[]) AS name, pg_partition_tree(to_regclass(name)) AS tree
     WHERE %(parts)s
), target AS (
    SELECT oid FROM named
     UNION
    SELECT x.indrelid FROM pg_index x JOIN named ON named.oid = x.indexrelid
     UNION
    SELECT unnest(ARRAY[x.indrelid, x.indexrelid])
      FROM named
      JOIN pg_class c ON c.oid = named.oid
      JOIN pg_index x ON x.indrelid IN (c.oid, c.reltoastrelid)
     WHERE %(parts)s
), here AS (
    SELECT oid FROM pg_database WHERE datname = current_database()
), holder AS (
    -- What waits for its lock already is in front of us where it conflicts with our own.
    SELECT l.pid, l.virtualtransaction AS transaction, NULL::xid AS xmin,
           l.mode || ' on ' || l.relation::regclass AS holds, true AS certain
      FROM pg_locks l
      JOIN target ON target.oid = l.relation
      JOIN here ON here.oid = l.database
     WHERE l.locktype = 'relation'
       AND l.mode = ANY (CASE WHEN l.granted THEN %(modes)s::text[] ELSE %(queue)s::text[] END)
     UNION ALL
    SELECT a.pid, l.virtualxid, a.backend_xmin, 'a snapshot',
           a.state IS NOT NULL
           OR NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.pid = a.pid)
              AND NOT EXISTS (SELECT FROM pg_locks w
                               WHERE w.pid = a.pid AND NOT w.granted
                                 AND w.mode = 'ShareUpdateExclusiveLock')
      FROM pg_stat_activity a
      JOIN here ON here.oid = a.datid
      JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock'
     WHERE %(snapshots)s
       AND EXISTS (SELECT FROM named WHERE named.oid IS NOT NULL)
       AND a.backend_xmin IS NOT NULL
       -- As GetCurrentVirtualXIDs() in PostgreSQL's source: nobody waits for a VACUUM, nor for
       -- the building of another plain index.
       AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = a.pid)
       AND NOT EXISTS (SELECT FROM pg_locks w
                        WHERE w.pid = a.pid AND NOT w.granted AND a.query ~* '^\s*vacuum\M'
                          AND w.mode = 'ShareUpdateExclusiveLock')
       AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p
                         JOIN pg_index x ON x.indexrelid = p.index_relid
                        WHERE p.pid = a.pid AND p.command LIKE '%%CONCURRENTLY'
                          AND x.indexprs IS NULL AND x.indpred IS NULL)
)
SELECT coalesce(h.pid, 0), coalesce(max(p.gid), ''),
       coalesce(max(a.usename), max(p.owner), ''), coalesce(max(a.application_name), ''),
       CASE WHEN h.pid IS NULL THEN 'prepared' ELSE coalesce(max(a.state), '') END,
       coalesce(extract(epoch FROM clock_timestamp() - coalesce(max(a.xact_start),
                                                                max(p.prepared))), 0)::float8,
       left(coalesce(max(a.query), ''), 200),
       string_agg(DISTINCT h.holds, ', ' ORDER BY h.holds),
       h.transaction || CASE WHEN bool_and(h.xmin IS NOT NULL) THEN ' ' || max(h.xmin::text)
                             ELSE '' END,
       bool_or(h.certain) AND (h.pid IS NULL OR bool_or(a.usesysid IS NOT NULL OR a.state IS NOT NULL))
  FROM holder h
  LEFT JOIN pg_stat_activity a ON a.pid = h.pid
  LEFT JOIN pg_locks own ON h.pid IS NULL AND own.pid IS NULL AND own.locktype = 'transactionid'
                        AND own.virtualtransaction = h.transaction
  LEFT JOIN pg_prepared_xacts p ON p.transaction = own.transactionid
 WHERE h.pid IS DISTINCT FROM pg_backend_pid()
   -- An autovacuum worker has no user. It gives way after deadlock_timeout, unless it prevents
   -- wraparound; nobody waits for its snapshot.
   AND (a.pid IS NULL OR a.usesysid IS NOT NULL
        OR (h.xmin IS NULL AND (a.state IS NULL OR a.query LIKE '%%(to prevent wraparound)')))
 GROUP BY h.pid, h.transaction
 ORDER BY max(a.xact_start) NULLS FIRST, h.pid
