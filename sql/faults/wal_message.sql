-- Writes something into the WAL, so that the current segment has a commit. Needs a superuser.
SELECT pg_logical_emit_message(true, 'restore-drill', 'a segment to be spoiled')
