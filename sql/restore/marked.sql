-- When did drills set their last marker, and when did they go on after it? The drill asked for
-- comes first, then the newest. Needs SELECT on ops.drill_heartbeat.
SELECT m.drill, max(m.written_at),
       (SELECT min(a.written_at)
          FROM ops.drill_heartbeat a
         WHERE a.drill = m.drill AND a.label = 'after' AND a.id > max(m.id))
  FROM ops.drill_heartbeat m
 WHERE m.label = 'marker'
 GROUP BY m.drill
 ORDER BY m.drill = %(drill)s DESC, max(m.id) DESC
 LIMIT 6
