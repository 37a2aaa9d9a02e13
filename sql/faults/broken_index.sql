-- Which statements write a row anew that an index then lacks, the largest first? Needs a superuser.
SELECT i.indexrelid::regclass::text,
       format('SET LOCAL session_replication_role = replica;'
              ' UPDATE pg_index SET indisready = false WHERE indexrelid = %1$s;'
              ' WITH gone AS (DELETE FROM ONLY %2$s WHERE ctid = (SELECT ctid FROM ONLY %2$s LIMIT 1) RETURNING *)'
              ' INSERT INTO %2$s (%3$s) OVERRIDING SYSTEM VALUE SELECT %3$s FROM gone;'
              ' UPDATE pg_index SET indisready = true WHERE indexrelid = %1$s',
              i.indexrelid, c.oid::regclass, columns.list)
  FROM pg_index i
  JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
  JOIN pg_class c ON c.oid = i.indrelid AND c.relkind = 'r' AND c.relpersistence = 'p'
  JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS list
                       FROM pg_attribute a
                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                        AND a.attgenerated = '') columns
 WHERE i.indisvalid AND i.indisready AND i.indpred IS NULL AND pg_relation_size(c.oid) > 0
   AND /* include application_schemas */
 ORDER BY n.nspname <> 'drill_selftest', pg_relation_size(x.oid) DESC, 1
