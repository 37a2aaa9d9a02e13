-- Which of these transactions are committed here? Those that this server never heard of are not.
-- Needs no privilege.
SELECT x
  FROM unnest(%(numbers)s::text[]) AS x
 WHERE CASE WHEN x::xid8 < pg_snapshot_xmax(pg_current_snapshot())
            THEN pg_xact_status(x::xid8) = 'committed' ELSE false END
