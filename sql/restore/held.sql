-- Which of these transactions, all committed on the source, does this server hold? The status of very
-- old ones is no longer kept, and they are frozen: they are held. Needs no privilege.
SELECT x
  FROM unnest(%(numbers)s::text[]) AS x
 WHERE CASE WHEN x::xid8 < pg_snapshot_xmax(pg_current_snapshot())
            THEN coalesce(pg_xact_status(x::xid8), 'committed') = 'committed' ELSE false END
