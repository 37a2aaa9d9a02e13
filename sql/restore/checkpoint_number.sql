-- Which transaction number came next at this server's newest checkpoint, in 64 bits? Whatever a restored
-- copy got from its source is below it, once its recovery has ended in one. Needs no privilege.
SELECT split_part(next_xid, ':', 1)::bigint * 4294967296 + split_part(next_xid, ':', 2)::bigint
  FROM pg_control_checkpoint()
