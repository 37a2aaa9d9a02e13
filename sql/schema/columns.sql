-- Which columns are there, of which type, collation, default, identity? Needs no privilege.
SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname),
       concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod),
                 CASE WHEN a.attcollation <> t.typcollation THEN
                     'collate ' || a.attcollation::regcollation END,
                 CASE WHEN a.attnotnull THEN 'not null' END,
                 'default ' || pg_get_expr(d.adbin, d.adrelid),
                 'identity ' || nullif(a.attidentity::text, ''),
                 'generated ' || nullif(a.attgenerated::text, ''),
                 'storage ' || a.attstorage::text, 'compression ' || nullif(a.attcompression::text, ''),
                 'statistics ' || nullif(a.attstattarget, -1), a.attoptions::text,
                 'foreign ' || a.attfdwoptions::text,
                 CASE WHEN NOT a.attislocal THEN 'inherited' END,
                 'parents ' || nullif(a.attinhcount, 0))
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE /* include user_schemas */
   AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
   AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY 1
