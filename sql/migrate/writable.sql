-- Can this session write, and if not, why? Needs no privilege.
SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean, source
  FROM pg_settings
 WHERE name = 'default_transaction_read_only'
