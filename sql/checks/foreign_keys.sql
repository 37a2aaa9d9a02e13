-- Which foreign keys are there, from a small table or not, over which columns, by which operators do
-- they compare, and under which collation where the two sides' differ? One that is NOT VALID may have rows that lead nowhere,
-- so it is left out. Needs no privilege.
SELECT c.conname, ARRAY[fn.nspname, f.relname]::text[], ARRAY[pn.nspname, p.relname]::text[],
       f.relkind = 'r' AND p.relkind = 'r' AND coalesce(pg_relation_size(f.oid), 0) < 1048576,
       k.columns, k.refers_to, k.operators, k.collations
  FROM pg_constraint c
  JOIN pg_class f ON f.oid = c.conrelid
  JOIN pg_namespace fn ON fn.oid = f.relnamespace
  JOIN pg_class p ON p.oid = c.confrelid
  JOIN pg_namespace pn ON pn.oid = p.relnamespace
 CROSS JOIN LATERAL (
       SELECT array_agg(fa.attname::text ORDER BY u.place) AS columns,
              array_agg(pa.attname::text ORDER BY u.place) AS refers_to,
              array_agg(ARRAY[n.nspname, o.oprname]::text[] ORDER BY u.place) AS operators,
              array_agg(CASE WHEN pa.attcollation <> fa.attcollation AND pa.attcollation <> 0
                             THEN format('%s.%s', ln.nspname, l.collname) ELSE '' END
                        ORDER BY u.place) AS collations
         FROM unnest(c.conkey, c.confkey, c.conpfeqop) WITH ORDINALITY
                AS u (from_number, to_number, operator, place)
         JOIN pg_attribute fa ON fa.attrelid = c.conrelid AND fa.attnum = u.from_number
         JOIN pg_attribute pa ON pa.attrelid = c.confrelid AND pa.attnum = u.to_number
         JOIN pg_operator o ON o.oid = u.operator
         JOIN pg_namespace n ON n.oid = o.oprnamespace
         LEFT JOIN pg_collation l ON l.oid = pa.attcollation
         LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace) k
 WHERE c.contype = 'f' AND c.conparentid = 0 AND c.convalidated
 ORDER BY 2, 1
