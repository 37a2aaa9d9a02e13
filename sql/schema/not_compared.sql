-- Which tables' content is left out on purpose: unlogged ones are empty after a recovery, foreign
-- ones live elsewhere, materialized views that are not filled have none? Needs no privilege.
SELECT CASE WHEN c.relkind = 'f' THEN 'foreign'
            WHEN c.relpersistence = 'u' THEN 'unlogged' ELSE 'not filled' END,
       format('%I.%I', n.nspname, c.relname)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE (c.relkind = 'f' OR (c.relkind = 'm' AND NOT c.relispopulated)
        OR (c.relkind IN ('r', 'm') AND c.relpersistence = 'u'))
   AND /* include user_schemas */
 ORDER BY 1, 2
