-- Is the drill's table there, and may we use it? Needs no privilege.
SELECT to_regclass('ops.failover_write') IS NOT NULL,
       coalesce(has_table_privilege(to_regclass('ops.failover_write'), 'SELECT')
                AND has_table_privilege(to_regclass('ops.failover_write'), 'INSERT')
                AND has_table_privilege(to_regclass('ops.failover_write'), 'DELETE'), false)
