-- Which transactions of this database have been open for long? CONCURRENTLY waits for them.
-- Other users' transactions need pg_read_all_stats.
SELECT pid, coalesce(usename, ''), application_name, coalesce(state, ''),
       extract(epoch FROM clock_timestamp() - xact_start)::float8,
       left(coalesce(query, ''), 200)
  FROM pg_stat_activity
 WHERE datname = current_database()
   AND pid <> pg_backend_pid()
   AND backend_type = 'client backend'
   AND xact_start < clock_timestamp() - make_interval(secs => %(age_s)s)
 ORDER BY xact_start
