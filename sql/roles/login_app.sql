-- How sessions of the application begin; for its user, and for each IAM user of that role.
-- Cloud SQL made the user a member of cloudsqlsuperuser that may create roles: see infra/access.py.
REVOKE cloudsqlsuperuser FROM {{ login|ident }};
ALTER ROLE {{ login|ident }} NOCREATEROLE NOCREATEDB;

-- These are no Cloud SQL flags, or better not set for all sessions alike:
-- https://www.postgresql.org/docs/15/runtime-config-client.html#GUC-STATEMENT-TIMEOUT
-- 95 of 100 queries are to end within 0.1 s; one that runs 300 times as long was given up on.
ALTER ROLE {{ login|ident }} SET statement_timeout = '30s';
-- Who queues for a lock holds one of the pool's connections meanwhile; better to say no and retry.
ALTER ROLE {{ login|ident }} SET lock_timeout = '5s';
-- An open transaction keeps vacuum from removing rows; the application has no reason to pause in one.
ALTER ROLE {{ login|ident }} SET idle_in_transaction_session_timeout = '1min';
-- Compiling pays for long queries alone: https://www.postgresql.org/docs/15/jit-decision.html
ALTER ROLE {{ login|ident }} SET jit = 'off';
