-- Does this session hold the lock that keeps a second runner out of this database?
SELECT EXISTS (
    SELECT
      FROM pg_locks
     WHERE locktype = 'advisory'
       AND pid = pg_backend_pid()
       AND granted
       AND (classid::bigint << 32) + objid::bigint = %(key)s
       AND objsubid = 1
)
