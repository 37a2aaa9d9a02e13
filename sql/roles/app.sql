-- What the application may do: read and write rows. Not: change or empty tables, set sequences
-- back, or read the operators' schema.
GRANT CONNECT, TEMPORARY ON DATABASE {{ database|ident }} TO {{ app|ident }};
{% for schema in application_schemas %}
GRANT USAGE ON SCHEMA {{ schema|ident }} TO {{ app|ident }};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {{ schema|ident }} TO {{ app|ident }};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {{ schema|ident }} TO {{ app|ident }};
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA {{ schema|ident }} TO {{ app|ident }};
ALTER DEFAULT PRIVILEGES FOR ROLE {{ owner|ident }} IN SCHEMA {{ schema|ident }}
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {{ app|ident }};
ALTER DEFAULT PRIVILEGES FOR ROLE {{ owner|ident }} IN SCHEMA {{ schema|ident }}
    GRANT USAGE, SELECT ON SEQUENCES TO {{ app|ident }};
ALTER DEFAULT PRIVILEGES FOR ROLE {{ owner|ident }} IN SCHEMA {{ schema|ident }}
    GRANT EXECUTE ON ROUTINES TO {{ app|ident }};
{% endfor %}
{% if drill_table %}
-- A failover drill writes as the application: whether an acknowledged commit is lost is decided by
-- the settings of the session that made it. It can add rows to this table alone, and read none.
GRANT USAGE ON SCHEMA {{ operators|ident }} TO {{ app|ident }};
GRANT INSERT ON TABLE {{ drill_table|ident }} TO {{ app|ident }};
{% endif %}
