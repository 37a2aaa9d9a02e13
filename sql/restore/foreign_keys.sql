-- Which foreign keys are there, and over which columns? One that is NOT VALID may have rows that
-- lead nowhere, so it is left out. Needs no privilege.
SELECT c.conname, ARRAY[fn.nspname, f.relname]::text[], ARRAY[pn.nspname, p.relname]::text[],
       (SELECT array_agg(a.attname::text ORDER BY k.ordinality)
          FROM unnest(c.conkey) WITH ORDINALITY k (attnum, ordinality)
          JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum),
       (SELECT array_agg(a.attname::text ORDER BY k.ordinality)
          FROM unnest(c.confkey) WITH ORDINALITY k (attnum, ordinality)
          JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum)
  FROM pg_constraint c
  JOIN pg_class f ON f.oid = c.conrelid
  JOIN pg_namespace fn ON fn.oid = f.relnamespace
  JOIN pg_class p ON p.oid = c.confrelid
  JOIN pg_namespace pn ON pn.oid = p.relnamespace
 WHERE c.contype = 'f' AND c.conparentid = 0 AND c.convalidated
 ORDER BY 2, 1
