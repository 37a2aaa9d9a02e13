-- What did this session begin with that is neither PostgreSQL's default nor the client's own? The file is
-- visible with pg_read_all_settings. Names are qualified: the session's search_path may be anything.
SELECT name, setting, source, coalesce(sourcefile, '')
  FROM pg_catalog.pg_settings
 WHERE source::pg_catalog.text OPERATOR(pg_catalog.=) ANY (ARRAY['global', 'database', 'user', 'database user']
                                        ::pg_catalog.text[])
    OR sourcefile OPERATOR(pg_catalog.~) 'postgresql[.]auto[.]conf$'
 ORDER BY 1
