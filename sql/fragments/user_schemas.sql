-- Is schema n one that people made? Neither PostgreSQL's own nor one of temporary tables.
(n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)')
