-- What everybody may do, also roles that nobody declares: connect, and find names in public.
-- CONNECT stays theirs, since Cloud SQL's own agents log in as roles that are in no stack file.
GRANT CONNECT ON DATABASE {{ database|ident }} TO PUBLIC;
GRANT USAGE ON SCHEMA public TO PUBLIC;

-- Temporary tables take disk that nobody accounts for. From PostgreSQL 15 on nobody creates in
-- public unasked; a database that was upgraded from 14 still lets everybody.
-- https://www.postgresql.org/docs/15/ddl-schemas.html#DDL-SCHEMAS-PATTERNS
REVOKE CREATE, TEMPORARY ON DATABASE {{ database|ident }} FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- A function is everybody's unless it is taken away, SECURITY DEFINER ones too.
-- https://www.postgresql.org/docs/15/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY
ALTER DEFAULT PRIVILEGES FOR ROLE {{ owner|ident }} REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
{% for schema in every_schema %}
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA {{ schema|ident }} FROM PUBLIC;
{% endfor %}
