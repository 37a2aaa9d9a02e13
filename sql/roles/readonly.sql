-- What readers may do: read everything of this database, the operators' schema too.
-- Not pg_read_all_data: that would reach every other database of the instance and every schema,
-- and nothing could be kept from it.
-- https://www.postgresql.org/docs/15/predefined-roles.html
GRANT CONNECT ON DATABASE {{ database|ident }} TO {{ readonly|ident }};
{% for schema in every_schema %}
GRANT USAGE ON SCHEMA {{ schema|ident }} TO {{ readonly|ident }};
GRANT SELECT ON ALL TABLES IN SCHEMA {{ schema|ident }} TO {{ readonly|ident }};
GRANT SELECT ON ALL SEQUENCES IN SCHEMA {{ schema|ident }} TO {{ readonly|ident }};
ALTER DEFAULT PRIVILEGES FOR ROLE {{ owner|ident }} IN SCHEMA {{ schema|ident }}
    GRANT SELECT ON TABLES TO {{ readonly|ident }};
ALTER DEFAULT PRIVILEGES FOR ROLE {{ owner|ident }} IN SCHEMA {{ schema|ident }}
    GRANT SELECT ON SEQUENCES TO {{ readonly|ident }};
{% endfor %}
-- Views of the application call its functions with the reader's rights.
{% for schema in application_schemas %}
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA {{ schema|ident }} TO {{ readonly|ident }};
ALTER DEFAULT PRIVILEGES FOR ROLE {{ owner|ident }} IN SCHEMA {{ schema|ident }}
    GRANT EXECUTE ON ROUTINES TO {{ readonly|ident }};
{% endfor %}
