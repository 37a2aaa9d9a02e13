-- What do views and materialized views say, and are the latter filled? Needs no privilege.
SELECT c.oid::regclass::text,
       concat_ws(' ', CASE WHEN c.relispopulated THEN 'populated' END,
                 regexp_replace(pg_get_viewdef(c.oid), '\s+', ' ', 'g'))
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('v', 'm')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^pg_(toast|temp)'
 ORDER BY 1
