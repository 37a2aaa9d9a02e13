-- Which writes of this drill are there? The key is put beside an empty text so that the table
-- itself is read and not its index, which could hide a row that is there twice.
-- Needs SELECT on ops.failover_write.
SELECT writer, number FROM ops.failover_write WHERE drill || '' = %(drill)s
