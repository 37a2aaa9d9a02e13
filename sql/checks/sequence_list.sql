-- Which sequences are there? Needs no privilege.
SELECT seqrelid::bigint FROM pg_sequence ORDER BY 1
