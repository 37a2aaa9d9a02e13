-- Which heartbeats of this drill are there? Needs SELECT on ops.drill_heartbeat.
SELECT id, label, written_at FROM ops.drill_heartbeat WHERE drill = %(drill)s ORDER BY id
