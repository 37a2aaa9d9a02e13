-- Which tables with rows does this role own, the smallest first? Needs no privilege.
SELECT n.nspname, c.relname
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'ops')
   AND pg_has_role(c.relowner, 'USAGE')
   AND pg_relation_size(c.oid) > 0
 ORDER BY pg_relation_size(c.oid), 1, 2
