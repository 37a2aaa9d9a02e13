-- Which transactions have finished, and under which name can other sessions see the same?
-- Needs no privilege.
SELECT pg_current_snapshot()::text, pg_export_snapshot()
