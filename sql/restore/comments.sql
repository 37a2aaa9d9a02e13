-- What do comments on the application's objects say? Needs no privilege.
SELECT format('%s %s', i.type, i.identity), string_agg(d.description, E'\n')
  FROM pg_description d
 CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
 WHERE d.objoid >= 16384  -- FirstNormalObjectId: below are PostgreSQL's own objects
 GROUP BY 1
 ORDER BY 1
