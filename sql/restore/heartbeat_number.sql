-- Which transaction wrote the newest heartbeat, in 64 bits: what is below it was numbered on the source,
-- not on the copy since? Needs SELECT on ops.drill_heartbeat.
SELECT xmin::text::bigint FROM ops.drill_heartbeat ORDER BY id DESC LIMIT 1
