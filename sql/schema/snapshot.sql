-- Which transactions have finished? Needs no privilege.
SELECT pg_current_snapshot()::text
