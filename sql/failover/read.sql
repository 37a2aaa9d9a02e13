-- How far has a writer come, as seen from here? Needs SELECT on ops.failover_write.
SELECT max(number) FROM ops.failover_write WHERE drill = %(drill)s AND writer = 0
