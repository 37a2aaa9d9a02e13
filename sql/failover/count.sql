-- How many writes of this drill are there? Needs SELECT on ops.failover_write.
SELECT count(*) FROM ops.failover_write WHERE drill = %(drill)s
