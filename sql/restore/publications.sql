-- Which publications and foreign servers are there? Needs no privilege.
SELECT format('publication %I', p.pubname),
       concat_ws(' ', 'owner', pg_get_userbyid(p.pubowner),
                 CASE WHEN p.puballtables THEN 'all tables' END,
                 CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                 CASE WHEN p.pubdelete THEN 'delete' END,
                 CASE WHEN p.pubtruncate THEN 'truncate' END,
                 (SELECT string_agg(r.prrelid::regclass::text, ', ' ORDER BY r.prrelid::regclass::text)
                    FROM pg_publication_rel r WHERE r.prpubid = p.oid))
  FROM pg_publication p
 UNION ALL
SELECT format('server %I', srvname),
       concat_ws(' ', 'owner', pg_get_userbyid(srvowner), srvtype, srvversion, srvoptions::text)
  FROM pg_foreign_server
 ORDER BY 1
