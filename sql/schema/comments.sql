-- What do comments and security labels on the application's objects say? Those on PostgreSQL's own
-- objects (schema public is one) are taken together. Needs no privilege.
SELECT format('%s %s', i.type, i.identity), string_agg(d.description, E'\n')
  FROM pg_description d
 CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
 WHERE d.objoid >= 16384  -- FirstNormalObjectId: below are PostgreSQL's own objects
    OR d.classoid = 'pg_largeobject'::regclass  -- whose numbers anybody may choose
 GROUP BY 1
 UNION ALL
SELECT 'comments on objects of PostgreSQL',
       md5(string_agg(concat(classoid, '/', objoid, '/', objsubid, ': ', description), E'\n'
                      ORDER BY classoid, objoid, objsubid))
  FROM pg_description
 WHERE objoid < 16384 AND classoid <> 'pg_largeobject'::regclass
 UNION ALL
SELECT format('shared %s %s', i.type, i.identity), d.description
  FROM pg_shdescription d
 CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, 0) i
 UNION ALL
SELECT format('label of %s on %s %s', l.provider, i.type, i.identity), l.label
  FROM pg_seclabel l
 CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) i
 UNION ALL
SELECT format('label of %s on shared %s %s', l.provider, i.type, i.identity), l.label
  FROM pg_shseclabel l
 CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, 0) i
 ORDER BY 1
