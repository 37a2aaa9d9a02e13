-- Is this table a partition of that one, and is its detaching under way?
SELECT inhdetachpending
  FROM pg_inherits
 WHERE inhparent = to_regclass(%(table)s)
   AND inhrelid = to_regclass(%(partition)s)
