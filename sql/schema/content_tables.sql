-- Whose rows are compared: every table and materialized view of the application whose content
-- survives a restore, with its columns, and how each is hashed: as it is where equal values of its
-- type are the same value; else as its type shows it (1.0 = 1.00 for numeric, and arrays are
-- hashed without their dimensions); xml as text, since shown it loses its encoding. A char(n) is
-- always filled up to its n. Where row security applies to us, a policy that lets us read every row
-- makes a table readable all the same. Unlogged tables are empty after a recovery and foreign ones
-- live elsewhere: both are told of by not_compared.sql. Needs no privilege.
WITH RECURSIVE element (type, base, kind) AS (
    SELECT t.oid, t.oid, t.typtype FROM pg_type t
     UNION ALL
    SELECT e.type, b.oid, b.typtype
      FROM element e
      JOIN pg_type t ON t.oid = e.base AND t.typtype = 'd'
      JOIN pg_type b ON b.oid = t.typbasetype
), exact (type) AS (
    SELECT type FROM element
     WHERE kind = 'e'
        OR base IN ('bool'::regtype, '"char"'::regtype, 'name'::regtype, 'int2'::regtype,
                    'int4'::regtype, 'int8'::regtype, 'oid'::regtype, 'text'::regtype,
                    'varchar'::regtype, 'bytea'::regtype, 'date'::regtype, 'time'::regtype,
                    'timestamp'::regtype, 'timestamptz'::regtype, 'uuid'::regtype)
), policy AS (
    SELECT polrelid, polpermissive, polqual
      FROM pg_policy
     WHERE polcmd IN ('r', '*')
       AND EXISTS (SELECT FROM unnest(polroles) AS role
                    WHERE role = 0 OR pg_has_role(role, 'USAGE'))
)
SELECT n.nspname, c.relname, c.oid::bigint, coalesce(pg_relation_size(c.oid), 0) AS bytes,
       c.relfilenode::bigint,
       coalesce(row_security_active(c.oid), false)
   AND EXISTS (SELECT FROM policy p WHERE p.polrelid = c.oid AND p.polpermissive
                  AND pg_get_expr(p.polqual, p.polrelid) = 'true')
   AND NOT EXISTS (SELECT FROM policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive) AS policed,
       coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attnum IS NOT NULL), '{}'),
       coalesce(array_agg(CASE WHEN a.atttypid = 'xml'::regtype THEN 'as text'
                               WHEN coalesce(l.collisdeterministic, true)
                                AND (a.atttypid IN (SELECT type FROM exact)
                                     OR (a.atttypid = 'bpchar'::regtype AND a.atttypmod > 0))
                               THEN 'as it is' ELSE 'as shown' END
                          ORDER BY a.attnum) FILTER (WHERE a.attnum IS NOT NULL), '{}')
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_collation l ON l.oid = a.attcollation
 WHERE c.relkind IN ('r', 'm')
   AND c.relpersistence = 'p'
   AND (c.relkind = 'r' OR c.relispopulated)
   AND /* include user_schemas */
   AND c.oid IS DISTINCT FROM to_regclass('ops.drill_heartbeat')
 GROUP BY 1, 2, c.oid, c.relfilenode
 ORDER BY bytes DESC, 1, 2
