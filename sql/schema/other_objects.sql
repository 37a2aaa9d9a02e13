-- Which extended statistics, collations (with the version that they were made with, and the one that
-- runs here), operators, operator classes and families, casts, conversions, text search objects,
-- languages, transforms, access methods, tablespaces, foreign data wrappers and tables, and user
-- mappings are there? A mapping's options hold passwords: they are not read. Needs no privilege.
SELECT format('statistics %I.%I', n.nspname, s.stxname),
       concat_ws(' ', pg_get_statisticsobjdef(s.oid), 'target ' || nullif(s.stxstattarget, -1),
                 'owner', pg_get_userbyid(s.stxowner))
  FROM pg_statistic_ext s
  JOIN pg_namespace n ON n.oid = s.stxnamespace
 UNION ALL
SELECT format('collation %I.%I', n.nspname, l.collname),
       concat_ws(' ', 'provider', l.collprovider, 'encoding', l.collencoding, l.collcollate,
                 l.collctype, coalesce(to_jsonb(l) ->> 'colliculocale', to_jsonb(l) ->> 'colllocale'),
                 CASE WHEN NOT l.collisdeterministic THEN 'not deterministic' END,
                 'version ' || l.collversion, 'runs on ' || pg_collation_actual_version(l.oid),
                 'owner', pg_get_userbyid(l.collowner))
  FROM pg_collation l
  JOIN pg_namespace n ON n.oid = l.collnamespace
 WHERE /* include user_schemas */
    -- not EXISTS: that reads every column of the database anew for each collation
    OR l.oid IN (SELECT a.attcollation FROM pg_attribute a WHERE a.attrelid >= 16384)
 UNION ALL
SELECT format('operator %s', o.oid::regoperator),
       concat_ws(' ', o.oprcode::regprocedure, 'commutator ' || nullif(o.oprcom, 0)::regoperator,
                 'negator ' || nullif(o.oprnegate, 0)::regoperator,
                 'restrict ' || nullif(o.oprrest, 0)::regproc,
                 'join ' || nullif(o.oprjoin, 0)::regproc,
                 CASE WHEN o.oprcanmerge THEN 'merges' END, CASE WHEN o.oprcanhash THEN 'hashes' END,
                 'owner', pg_get_userbyid(o.oprowner))
  FROM pg_operator o
  JOIN pg_namespace n ON n.oid = o.oprnamespace
 WHERE /* include user_schemas */
 UNION ALL
SELECT format('operator class %I.%I using %I', n.nspname, c.opcname, m.amname),
       concat_ws(' ', c.opcintype::regtype, CASE WHEN c.opcdefault THEN 'default' END,
                 'stores ' || nullif(c.opckeytype, 0)::regtype,
                 'family', (SELECT f.opfname FROM pg_opfamily f WHERE f.oid = c.opcfamily),
                 'owner', pg_get_userbyid(c.opcowner))
  FROM pg_opclass c
  JOIN pg_namespace n ON n.oid = c.opcnamespace
  JOIN pg_am m ON m.oid = c.opcmethod
 WHERE /* include user_schemas */
 UNION ALL
SELECT format('operator family %I.%I using %I', n.nspname, f.opfname, m.amname),
       concat_ws(' ',
                 (SELECT string_agg(format('%s %s%s', p.amopstrategy, p.amopopr::regoperator,
                                           ' by ' || nullif(p.amopsortfamily, 0)), ', '
                                    ORDER BY p.amopstrategy, p.amopopr)
                    FROM pg_amop p WHERE p.amopfamily = f.oid),
                 (SELECT string_agg(format('%s %s', p.amprocnum, p.amproc::regprocedure), ', '
                                    ORDER BY p.amprocnum, p.oid)
                    FROM pg_amproc p WHERE p.amprocfamily = f.oid),
                 'owner', pg_get_userbyid(f.opfowner))
  FROM pg_opfamily f
  JOIN pg_namespace n ON n.oid = f.opfnamespace
  JOIN pg_am m ON m.oid = f.opfmethod
 WHERE /* include user_schemas */
    OR EXISTS (SELECT FROM pg_amop p WHERE p.amopfamily = f.oid AND p.oid >= 16384)
    OR EXISTS (SELECT FROM pg_amproc p WHERE p.amprocfamily = f.oid AND p.oid >= 16384)
 UNION ALL
SELECT format('cast from %s to %s', castsource::regtype, casttarget::regtype),
       concat_ws(' ', 'method', castmethod, 'context', castcontext,
                 'by ' || nullif(castfunc, 0)::regprocedure)
  FROM pg_cast
 WHERE oid >= 16384  -- FirstNormalObjectId: below are PostgreSQL's own objects
 UNION ALL
SELECT format('text search configuration %I.%I', n.nspname, c.cfgname),
       concat_ws(' ', 'parser', p.prsname,
                 (SELECT string_agg(format('%s %s', t.maptokentype, t.mapdict::regdictionary), ', '
                                    ORDER BY t.maptokentype, t.mapseqno)
                    FROM pg_ts_config_map t WHERE t.mapcfg = c.oid),
                 'owner', pg_get_userbyid(c.cfgowner))
  FROM pg_ts_config c
  JOIN pg_namespace n ON n.oid = c.cfgnamespace
  JOIN pg_ts_parser p ON p.oid = c.cfgparser
 WHERE /* include user_schemas */
 UNION ALL
SELECT format('text search dictionary %I.%I', n.nspname, d.dictname),
       concat_ws(' ', 'template', t.tmplname, d.dictinitoption,
                 'owner', pg_get_userbyid(d.dictowner))
  FROM pg_ts_dict d
  JOIN pg_namespace n ON n.oid = d.dictnamespace
  JOIN pg_ts_template t ON t.oid = d.dicttemplate
 WHERE /* include user_schemas */
 UNION ALL
SELECT format('text search parser %I.%I', n.nspname, p.prsname),
       concat_ws(' ', p.prsstart, p.prstoken, p.prsend, p.prsheadline, p.prslextype)
  FROM pg_ts_parser p
  JOIN pg_namespace n ON n.oid = p.prsnamespace
 WHERE /* include user_schemas */
 UNION ALL
SELECT format('text search template %I.%I', n.nspname, t.tmplname),
       concat_ws(' ', t.tmplinit, t.tmpllexize)
  FROM pg_ts_template t
  JOIN pg_namespace n ON n.oid = t.tmplnamespace
 WHERE /* include user_schemas */
 UNION ALL
SELECT format('conversion %I.%I', n.nspname, c.conname),
       concat_ws(' ', pg_encoding_to_char(c.conforencoding), 'to',
                 pg_encoding_to_char(c.contoencoding), c.conproc::regproc,
                 CASE WHEN c.condefault THEN 'default' END, 'owner', pg_get_userbyid(c.conowner))
  FROM pg_conversion c
  JOIN pg_namespace n ON n.oid = c.connamespace
 WHERE /* include user_schemas */
 UNION ALL
SELECT format('language %I', lanname),
       concat_ws(' ', CASE WHEN lanpltrusted THEN 'trusted' END,
                 'handler ' || nullif(lanplcallfoid, 0)::regproc,
                 'inline ' || nullif(laninline, 0)::regproc,
                 'validator ' || nullif(lanvalidator, 0)::regproc,
                 'owner', pg_get_userbyid(lanowner))
  FROM pg_language
 UNION ALL
SELECT format('transform of %s for %I', t.trftype::regtype, l.lanname),
       concat_ws(' ', nullif(t.trffromsql, 0)::regproc, nullif(t.trftosql, 0)::regproc)
  FROM pg_transform t
  JOIN pg_language l ON l.oid = t.trflang
 UNION ALL
SELECT format('access method %I', amname), concat_ws(' ', amtype, amhandler)
  FROM pg_am
 UNION ALL
SELECT format('tablespace %I', spcname),
       concat_ws(' ', 'owner', pg_get_userbyid(spcowner), 'options ' || spcoptions::text)
  FROM pg_tablespace
 UNION ALL
SELECT format('foreign data wrapper %I', fdwname),
       concat_ws(' ', 'handler ' || nullif(fdwhandler, 0)::regproc,
                 'validator ' || nullif(fdwvalidator, 0)::regproc, fdwoptions::text,
                 'owner', pg_get_userbyid(fdwowner))
  FROM pg_foreign_data_wrapper
 UNION ALL
SELECT format('foreign table %s', f.ftrelid::regclass), concat_ws(' ', s.srvname, f.ftoptions::text)
  FROM pg_foreign_table f
  JOIN pg_foreign_server s ON s.oid = f.ftserver
 UNION ALL
SELECT format('user mapping of %I on %I', usename, srvname), ''
  FROM pg_user_mappings
 ORDER BY 1
