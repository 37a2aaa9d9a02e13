-- Is nobody else applying roles to this database? The lock ends with the transaction.
SELECT pg_try_advisory_xact_lock(%(key)s)
