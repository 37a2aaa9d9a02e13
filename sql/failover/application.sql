-- May this session, the application's, write into the drill's table? Are its transactions read
-- only? What are these settings in it? Needs no privilege.
SELECT EXISTS (SELECT FROM pg_class c
                 JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'ops' AND c.relname = 'failover_write'
                  AND has_schema_privilege(n.oid, 'USAGE')
                  AND has_table_privilege(c.oid, 'INSERT')),
       current_setting('default_transaction_read_only') = 'on',
       (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE name = ANY(%(names)s))
