-- Which publications (with their tables, columns and filters), subscriptions and foreign servers are
-- there? How far a subscription is moves by itself, and its connection holds a password: neither is
-- read. Needs no privilege.
SELECT format('publication %I', p.pubname),
       concat_ws(' ', 'owner', pg_get_userbyid(p.pubowner),
                 CASE WHEN p.puballtables THEN 'all tables' END,
                 CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                 CASE WHEN p.pubdelete THEN 'delete' END,
                 CASE WHEN p.pubtruncate THEN 'truncate' END,
                 CASE WHEN p.pubviaroot THEN 'via the root' END,
                 (SELECT string_agg(concat_ws(' ', r.prrelid::regclass,
                                    'columns ' || r.prattrs::text,
                                    'where ' || pg_get_expr(r.prqual, r.prrelid)), ', '
                                    ORDER BY r.prrelid::regclass::text)
                    FROM pg_publication_rel r WHERE r.prpubid = p.oid),
                 (SELECT 'schemas ' || string_agg(s.pnnspid::regnamespace::text, ', '
                                                  ORDER BY s.pnnspid::regnamespace::text)
                    FROM pg_publication_namespace s WHERE s.pnpubid = p.oid))
  FROM pg_publication p
 UNION ALL
SELECT format('subscription %I', s.subname),
       concat_ws(' ', 'owner', pg_get_userbyid(s.subowner),
                 CASE WHEN s.subenabled THEN 'enabled' ELSE 'disabled' END,
                 'slot ' || s.subslotname, 'commit', s.subsynccommit,
                 'publications', s.subpublications::text, 'binary', s.subbinary,
                 'streaming', s.substream, 'two phases', s.subtwophasestate,
                 CASE WHEN s.subdisableonerr THEN 'disabled on error' END,
                 (SELECT 'tables ' || string_agg(r.srrelid::regclass::text, ', '
                                                 ORDER BY r.srrelid::regclass::text)
                    FROM pg_subscription_rel r WHERE r.srsubid = s.oid))
  FROM pg_subscription s
 WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
 UNION ALL
SELECT format('server %I', s.srvname),
       concat_ws(' ', 'owner', pg_get_userbyid(s.srvowner), s.srvtype, s.srvversion,
                 s.srvoptions::text, 'of', w.fdwname)
  FROM pg_foreign_server s
  JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
 ORDER BY 1
