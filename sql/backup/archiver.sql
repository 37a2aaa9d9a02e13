-- Does the server hand its WAL on? Whether the last try failed, how many finished segments wait,
-- and after how many seconds a segment with new commits is finished (0: only when it is full).
-- Needs no privilege.
WITH segment AS (
    SELECT pg_size_bytes(current_setting('wal_segment_size')) AS bytes
), last AS (
    SELECT a.last_failed_time > coalesce(a.last_archived_time, '-infinity') AS failing,
           a.last_failed_wal,
           -- a history or backup file is named after the segment that it belongs to
           substring(a.last_archived_wal FROM '^[0-9A-F]{24}') AS name
      FROM pg_stat_archiver a
)
SELECT coalesce(l.failing, false), l.last_failed_wal,
       div(pg_current_wal_insert_lsn() - '0/0'::pg_lsn, s.bytes)::bigint - 1
       - (('x' || substring(l.name FROM 9 FOR 8))::bit(32)::bigint * (4294967296 / s.bytes)
          + ('x' || substring(l.name FROM 17 FOR 8))::bit(32)::bigint) AS waiting,
       (SELECT setting::int FROM pg_settings WHERE name = 'archive_timeout')
  FROM last l, segment s
