-- Which transient indexes did an interrupted REINDEX CONCURRENTLY leave on this table, or on this index's table?
SELECT n.nspname, c.relname
  FROM pg_index x
  JOIN pg_class c ON c.oid = x.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT x.indisvalid
   AND c.relname ~ '_cc(new|old)[0-9]*$'
   AND (x.indrelid = to_regclass(%(relation)s)
        OR x.indrelid = (SELECT indrelid FROM pg_index
                          WHERE indexrelid = to_regclass(%(relation)s)))
 ORDER BY 1, 2
