-- Is there a heartbeat table, and may we write to it? Needs no privilege.
SELECT to_regclass('ops.drill_heartbeat') IS NOT NULL,
       coalesce(has_table_privilege(to_regclass('ops.drill_heartbeat'), 'SELECT, INSERT'), false)
