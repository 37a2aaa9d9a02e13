-- Whose rows are compared: every table and materialized view of the application whose content
-- survives a restore, with its columns, and whether equal values of a column's type are the same
-- value (1.0 = 1.00 for numeric, so those are hashed as text). Unlogged tables are empty after a
-- recovery and foreign ones live elsewhere: neither is listed. Needs no privilege.
WITH RECURSIVE element (type, base, kind) AS (
    SELECT t.oid, t.oid, t.typtype FROM pg_type t
     UNION ALL
    SELECT e.type, b.oid, b.typtype
      FROM element e
      JOIN pg_type t ON t.oid = e.base
      JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype
                                     WHEN t.typsubscript = 'array_subscript_handler'::regproc
                                     THEN t.typelem END
), exact (type) AS (
    SELECT type FROM element
     WHERE kind = 'e'
        OR base IN ('bool'::regtype, '"char"'::regtype, 'name'::regtype, 'int2'::regtype,
                    'int4'::regtype, 'int8'::regtype, 'oid'::regtype, 'text'::regtype,
                    'varchar'::regtype, 'bytea'::regtype, 'date'::regtype, 'time'::regtype,
                    'timestamp'::regtype, 'timestamptz'::regtype, 'uuid'::regtype)
)
SELECT n.nspname, c.relname, pg_relation_size(c.oid) AS bytes,
       coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attnum IS NOT NULL), '{}'),
       coalesce(array_agg(EXISTS (SELECT FROM exact x WHERE x.type = a.atttypid)
                          AND coalesce(l.collisdeterministic, true)
                          ORDER BY a.attnum) FILTER (WHERE a.attnum IS NOT NULL), '{}')
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_collation l ON l.oid = a.attcollation
 WHERE c.relkind IN ('r', 'm')
   AND c.relpersistence = 'p'
   AND (c.relkind = 'r' OR c.relispopulated)
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^pg_(toast|temp)'
   AND c.oid IS DISTINCT FROM to_regclass('ops.drill_heartbeat')
 GROUP BY 1, 2, c.oid
 ORDER BY bytes DESC, 1, 2
