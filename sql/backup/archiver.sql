-- Does the server hand its WAL on? Whether it does so at all and whether the last try failed; how
-- many finished segments wait, and for how many seconds the oldest has; after how many seconds a
-- segment with new commits is finished (0: only when it is full); which segment is running, counted
-- from the beginning of the log, and how many bytes of it are written.
-- Segments that wait are counted by their .ready files: the counters are lost in a crash.
-- Needs EXECUTE on pg_ls_archive_statusdir, which pg_monitor has.
SELECT current_setting('archive_mode') <> 'off',
       coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false),
       a.last_failed_wal,
       w.segments,
       w.oldest_s,
       (SELECT setting::int FROM pg_settings WHERE name = 'archive_timeout'),
       div(l.bytes, s.bytes)::bigint,
       mod(l.bytes, s.bytes)::bigint
  FROM pg_stat_archiver a
 CROSS JOIN (SELECT pg_current_wal_flush_lsn() - '0/0'::pg_lsn AS bytes) l
 CROSS JOIN (SELECT pg_size_bytes(current_setting('wal_segment_size')) AS bytes) s
 CROSS JOIN (SELECT count(*) AS segments,
                    extract(epoch FROM clock_timestamp() - min(modification))::float8 AS oldest_s
               FROM pg_ls_archive_statusdir()
              WHERE name ~ '^[0-9A-F]{24}\.ready$') w
