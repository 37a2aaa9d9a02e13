-- What do views and materialized views say, and are the latter filled? Their stored tree is compared,
-- which names what it reads by number: pg_get_viewdef keeps a lock on every table that a view reads.
-- Needs no privilege.
SELECT c.oid::regclass::text,
       concat_ws(' ', CASE WHEN c.relkind = 'v' THEN 'view'
                           WHEN c.relispopulated THEN 'materialized view, filled'
                           ELSE 'materialized view, not filled' END,
                 'defined as', md5(r.ev_action::text))
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
 WHERE c.relkind IN ('v', 'm')
   AND /* include user_schemas */
 ORDER BY 1
