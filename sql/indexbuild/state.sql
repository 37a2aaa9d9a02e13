-- What stands under an index's name in its table's schema: is it that table's, whole, being built?
-- Needs no privilege: of another user's build only the pid is seen, and its lock on the table.
SELECT n.nspname, c.relname,
       coalesce(x.indrelid = t.oid, false),
       coalesce(x.indisvalid AND x.indisready AND x.indislive, false),
       coalesce(pg_get_indexdef(x.indexrelid), ''),
       coalesce(p.pid, 0)
  FROM pg_class t
  JOIN pg_class c ON c.relnamespace = t.relnamespace AND c.relname = %(index)s
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_index x ON x.indexrelid = c.oid
  LEFT JOIN pg_stat_progress_create_index p
         ON p.pid <> pg_backend_pid()
        AND (p.index_relid = c.oid
             OR p.index_relid IS NULL
                AND EXISTS (SELECT FROM pg_locks l
                             WHERE l.pid = p.pid AND l.granted AND l.relation = t.oid
                               AND l.locktype = 'relation'
                               AND l.mode = 'ShareUpdateExclusiveLock'
                               AND p.datname = current_database()))
 WHERE t.oid = to_regclass(%(table)s)
