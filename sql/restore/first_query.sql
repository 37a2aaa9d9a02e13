-- Does PostgreSQL answer, as a primary? Needs no privilege.
SELECT NOT pg_is_in_recovery()
