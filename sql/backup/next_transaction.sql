-- Which number will the next transaction have, without its epoch? Rows that are there have older
-- ones. Needs no privilege.
SELECT (pg_snapshot_xmax(pg_current_snapshot())::text::numeric % 4294967296)::bigint
