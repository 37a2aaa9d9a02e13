-- Which extended statistics, collations, operators, operator classes, casts, text search objects,
-- foreign tables and user mappings are there? A mapping's options hold passwords: they are not
-- read. Needs no privilege.
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
                 'owner', pg_get_userbyid(l.collowner))
  FROM pg_collation l
  JOIN pg_namespace n ON n.oid = l.collnamespace
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
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
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
 UNION ALL
SELECT format('operator class %I.%I using %I', n.nspname, c.opcname, m.amname),
       concat_ws(' ', c.opcintype::regtype, CASE WHEN c.opcdefault THEN 'default' END,
                 'stores ' || nullif(c.opckeytype, 0)::regtype,
                 (SELECT string_agg(format('%s %s', p.amopstrategy, p.amopopr::regoperator), ', '
                                    ORDER BY p.amopstrategy, p.amopopr)
                    FROM pg_amop p WHERE p.amopfamily = c.opcfamily),
                 (SELECT string_agg(format('%s %s', p.amprocnum, p.amproc::regprocedure), ', '
                                    ORDER BY p.amprocnum, p.oid)
                    FROM pg_amproc p WHERE p.amprocfamily = c.opcfamily),
                 'owner', pg_get_userbyid(c.opcowner))
  FROM pg_opclass c
  JOIN pg_namespace n ON n.oid = c.opcnamespace
  JOIN pg_am m ON m.oid = c.opcmethod
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
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
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
 UNION ALL
SELECT format('text search dictionary %I.%I', n.nspname, d.dictname),
       concat_ws(' ', 'template', t.tmplname, d.dictinitoption,
                 'owner', pg_get_userbyid(d.dictowner))
  FROM pg_ts_dict d
  JOIN pg_namespace n ON n.oid = d.dictnamespace
  JOIN pg_ts_template t ON t.oid = d.dicttemplate
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
 UNION ALL
SELECT format('foreign table %s', f.ftrelid::regclass), concat_ws(' ', s.srvname, f.ftoptions::text)
  FROM pg_foreign_table f
  JOIN pg_foreign_server s ON s.oid = f.ftserver
 UNION ALL
SELECT format('user mapping of %I on %I', usename, srvname), ''
  FROM pg_user_mappings
 ORDER BY 1
