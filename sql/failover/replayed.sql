-- How old is the newest transaction that this replica has replayed, in seconds, and has it
-- replayed all that it received? Needs no privilege.
SELECT extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8,
       pg_last_wal_replay_lsn() = pg_last_wal_receive_lsn()
