-- Which system catalogs can be compared as a whole, by which columns, which of their columns name a
-- relation, type or schema, so that temporary ones can be left out, and which ones say what a row is
-- about: its relation, its name? Left out are statistics, what vacuum keeps in place, and the numbers
-- of files. Needs no privilege; catalogs that may not be read are listed without columns.
WITH kept (catalog, changing) AS (
    VALUES ('pg_class', ARRAY['relfilenode', 'relpages', 'reltuples', 'relallvisible', 'relallfrozen',
                              'relhasindex', 'relhasrules', 'relhastriggers', 'relhassubclass',
                              'relfrozenxid', 'relminmxid']),
           ('pg_database', ARRAY['datfrozenxid', 'datminmxid']),
           ('pg_index', ARRAY['indcheckxmin'])
)
SELECT c.relname,
       coalesce(array_agg(a.attname::text ORDER BY a.attnum)
                FILTER (WHERE a.attname <> ALL (coalesce(k.changing, '{}'))
                          AND has_table_privilege(c.oid, 'SELECT')), '{}'),
       coalesce(array_agg(a.attname::text ORDER BY a.attnum)
                FILTER (WHERE a.attname IN ('oid', 'attrelid', 'adrelid', 'indrelid', 'conrelid', 'inhrelid',
                                            'seqrelid', 'ev_class', 'tgrelid', 'stxrelid', 'objid',
                                            'objoid', 'refobjid', 'pronamespace', 'relnamespace',
                                            'typnamespace')
                          AND a.atttypid = 'oid'::regtype), '{}'),
       (array_agg(a.attname::text ORDER BY a.attnum)
        FILTER (WHERE a.attname IN ('attrelid', 'adrelid', 'indexrelid', 'conrelid', 'inhrelid', 'seqrelid',
                                    'ev_class', 'tgrelid', 'stxrelid', 'polrelid')
                   OR a.attname = 'oid' AND c.relname = 'pg_class'))[1],
       (array_agg(a.attname::text ORDER BY a.attnum)
        FILTER (WHERE a.atttypid = 'name'::regtype AND c.relname <> 'pg_class'))[1]
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN kept k ON k.catalog = c.relname
 WHERE c.relnamespace = 'pg_catalog'::regnamespace
   AND c.relkind = 'r'
   AND c.relname NOT IN ('pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject', 'pg_subscription_rel',
                         'pg_replication_origin')
 GROUP BY 1
 ORDER BY 1
