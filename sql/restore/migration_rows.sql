-- Which rows does the ledger of migrations hold, in its own order: of which migration, at which
-- place, written at which time as it says, by which transaction, how many transactions ago, and committed when? The
-- last is known where track_commit_timestamp is on. Needs SELECT on ops.schema_migrations.
SELECT version,
       position,
       applied_at,
       xmin::text,
       age(xmin),
       CASE WHEN current_setting('track_commit_timestamp') = 'on'
            THEN pg_xact_commit_timestamp(xmin) END
  FROM ops.schema_migrations
 ORDER BY position
