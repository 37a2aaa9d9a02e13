-- Which history does this server have: the system identifier, and the timeline that it writes or
-- replays? A checkpoint tells of a new timeline late, so a primary is asked for its WAL file.
-- Needs EXECUTE on pg_control_system and pg_control_recovery, which everybody has by default.
SELECT (SELECT system_identifier FROM pg_control_system())::text,
       CASE WHEN pg_is_in_recovery()
            THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver),
                          (SELECT min_recovery_end_timeline FROM pg_control_recovery()))
            ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer END
