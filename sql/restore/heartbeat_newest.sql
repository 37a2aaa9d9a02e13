-- Which is the newest heartbeat, up to a time where one is given?
-- Needs SELECT on ops.drill_heartbeat.
SELECT id, written_at
  FROM ops.drill_heartbeat
 WHERE %(until)s::timestamptz IS NULL OR written_at < %(until)s
 ORDER BY id DESC
 LIMIT 1
