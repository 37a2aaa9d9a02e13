-- Takes the lock that keeps a second runner out of this database, if it is free.
SELECT pg_try_advisory_lock(%(key)s)
