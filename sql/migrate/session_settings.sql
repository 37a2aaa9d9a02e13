-- Which settings of this session are not what a new session of the runner would have? Settings of
-- extensions and applications are in no catalog: they are looked up by name.
SELECT lower(name), setting
  FROM pg_settings
 WHERE source = 'session'
   AND setting IS DISTINCT FROM reset_val
   AND name NOT IN ('client_connection_check_interval', 'lock_timeout', 'statement_timeout',
                    'transaction_deferrable', 'transaction_isolation', 'transaction_read_only')
 UNION ALL
SELECT 'role', current_setting('role')
 WHERE current_setting('role') <> 'none'
 UNION ALL
SELECT 'session_authorization', session_user
 WHERE session_user <> %(user)s
 UNION ALL
SELECT lower(name), current_setting(name, true)
  FROM unnest(%(names)s::text[]) AS name
 WHERE current_setting(name, true) <> ''
