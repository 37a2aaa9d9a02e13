-- What monitoring may do: see statistics and other sessions' statements. No rows of any table.
-- https://www.postgresql.org/docs/15/predefined-roles.html
GRANT CONNECT ON DATABASE {{ database|ident }} TO {{ monitor|ident }};
GRANT pg_monitor TO {{ monitor|ident }};
