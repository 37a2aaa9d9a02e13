-- How sessions of monitoring begin; for its user, and for each IAM user of that role.
-- Cloud SQL made the user a member of cloudsqlsuperuser that may create roles: see infra/access.py.
REVOKE cloudsqlsuperuser FROM {{ login|ident }};
ALTER ROLE {{ login|ident }} NOCREATEROLE NOCREATEDB;

-- Statistics are read in milliseconds; what takes longer adds to the trouble that it watches.
-- https://www.postgresql.org/docs/15/runtime-config-client.html#GUC-STATEMENT-TIMEOUT
ALTER ROLE {{ login|ident }} SET statement_timeout = '10s';
ALTER ROLE {{ login|ident }} SET lock_timeout = '1s';
ALTER ROLE {{ login|ident }} SET idle_in_transaction_session_timeout = '1min';
ALTER ROLE {{ login|ident }} SET default_transaction_read_only = 'on';
