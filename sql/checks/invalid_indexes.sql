-- Which indexes of the application's tables can't be used, or not be relied on?
-- Needs nothing: everybody may read the catalogs.
-- https://www.postgresql.org/docs/15/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
SELECT 'index' AS kind, n.nspname AS schema, i.relname AS name, '' AS part,
       CASE WHEN NOT (x.indisvalid AND x.indisready AND x.indislive) THEN 'warning' END AS level,
       format('on %s is invalid: a concurrent build failed, or was under way', t.relname) AS message,
       'If no build is under way (pg_stat_progress_create_index), build it anew.' AS remedy,
       format('REINDEX INDEX CONCURRENTLY %I.%I;', n.nspname, i.relname) AS sql,
       'SHARE UPDATE EXCLUSIVE' AS lock,
       '' AS undo
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_class t ON t.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = i.relnamespace
 WHERE i.relkind = 'i' AND /* include application_schemas */
 ORDER BY n.nspname, i.relname
