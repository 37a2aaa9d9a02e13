-- How sessions of readers begin; for their user, and for each IAM user of that role.
-- Cloud SQL made the user a member of cloudsqlsuperuser that may create roles: see infra/access.py.
REVOKE cloudsqlsuperuser FROM {{ login|ident }};
ALTER ROLE {{ login|ident }} NOCREATEROLE NOCREATEDB;

-- A report may take minutes, not the night: its snapshot keeps vacuum from removing rows.
-- https://www.postgresql.org/docs/15/runtime-config-client.html#GUC-STATEMENT-TIMEOUT
ALTER ROLE {{ login|ident }} SET statement_timeout = '5min';
-- Readers wait only for ALTER TABLE and the like; behind them everybody else would wait.
ALTER ROLE {{ login|ident }} SET lock_timeout = '5s';
ALTER ROLE {{ login|ident }} SET idle_in_transaction_session_timeout = '5min';
-- Says no before privileges do, also to a function with its definer's rights.
ALTER ROLE {{ login|ident }} SET default_transaction_read_only = 'on';
