-- Which statements write one row of a table a second time? Identities get a new value; a table with
-- another key refuses. Needs SELECT and INSERT on the table.
SELECT c.oid::regclass::text,
       format('INSERT INTO %1$s (%2$s) SELECT %2$s FROM %1$s LIMIT 1', c.oid::regclass,
              (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                 FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                  AND a.attgenerated = '' AND a.attidentity = ''))
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND pg_relation_size(c.oid) > 0
   AND /* include application_schemas */
   AND EXISTS (SELECT FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                  AND a.attgenerated = '' AND a.attidentity = '')
 ORDER BY n.nspname <> 'drill_selftest', EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique),
       pg_relation_size(c.oid) DESC, 1
