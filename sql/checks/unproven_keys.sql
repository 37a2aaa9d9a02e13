-- Which foreign keys were never held against the rows that were there before them?
-- Needs nothing: everybody may read the catalogs.
-- https://www.postgresql.org/docs/15/sql-altertable.html#SQL-ALTERTABLE-NOTES
SELECT 'foreign key' AS kind, n.nspname AS schema, t.relname AS name, c.conname AS part,
       CASE WHEN NOT c.convalidated THEN 'warning' END AS level,
       'is NOT VALID: rows from before it may lead nowhere' AS message,
       'Look for rows that lead nowhere (the check orphans), mend them, then validate it.' AS remedy,
       format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I;', n.nspname, t.relname, c.conname) AS sql,
       'SHARE UPDATE EXCLUSIVE' AS lock,
       '' AS undo
  FROM pg_constraint c
  JOIN pg_class t ON t.oid = c.conrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE c.contype = 'f' AND /* include application_schemas */
 ORDER BY n.nspname, t.relname, c.conname
