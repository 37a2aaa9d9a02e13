"""Ways to rights that nobody declared: the statements of a superuser, and what they are told as."""

from dataclasses import dataclass

_AS_OWNER = "SET SESSION AUTHORIZATION ai_square_owner; {}; RESET SESSION AUTHORIZATION"
_DEFINER = "CREATE FUNCTION public.d() RETURNS bigint LANGUAGE {} SECURITY DEFINER {} AS {}"
_PINNED = "SET search_path = pg_catalog, pg_temp"
_SERVER = "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; "


@dataclass(frozen=True, slots=True)
class Way:
    """A way to a right.

    Attributes:
        name: Of the case.
        text: Statements of the superuser, in the world of ``attack``.
        role: Who has the right then.
        may: What it is, as told.
        through: Words of how, as told.
    """

    name: str
    text: str
    role: str
    may: str
    through: str


def _owner(text: str) -> str:
    return _AS_OWNER.format(text)


WAYS = (
    Way(
        "administrator-called-like-cloud-sql",
        "CREATE ROLE cloudsqlhelper LOGIN IN ROLE cloudsqlsuperuser",
        "cloudsqlhelper",
        "administer the instance",
        "membership of cloudsqlsuperuser",
    ),
    Way(
        "owner-through-groups-without-inherit",
        "ALTER ROLE a1 NOINHERIT; GRANT g1 TO a1; GRANT ai_square_owner TO g1",
        "a1",
        "whatever ai_square_owner may",
        "membership of g1, then ai_square_owner",
    ),
    Way(
        "catalogs-routine-for-all-who-log-in-with-iam",
        "GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO cloudsqliamuser",
        "cloudsqliamuser",
        "EXECUTE on routine pg_ls_waldir()",
        "a grant",
    ),
    Way(
        "ownership-for-all-who-log-in-with-iam",
        "CREATE TYPE other.pair AS (x int); ALTER TYPE other.pair OWNER TO cloudsqliamuser",
        "cloudsqliamuser",
        "owns type other.pair",
        "a grant, or ownership",
    ),
    Way(
        "others-tables-to-come-for-all-who-log-in-with-iam",
        "ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO cloudsqliamuser",
        "cloudsqliamuser",
        "SELECT on new tables of postgres",
        "default privileges of postgres",
    ),
    Way(
        "more-members-of-a-group-for-all-who-log-in-with-iam",
        "GRANT g1 TO cloudsqliamuser WITH ADMIN OPTION",
        "cloudsqliamuser",
        "make others members of g1",
        "a grant",
    ),
    Way("attribute", "ALTER ROLE a1 CREATEROLE", "a1", "CREATEROLE", "the role's attribute"),
    Way(
        "attribute-of-a-group",
        "ALTER ROLE g1 BYPASSRLS; GRANT g1 TO ai_square_app",
        "ai_square_app",
        "BYPASSRLS",
        "membership of g1",
    ),
    Way(
        "predefined-role",
        "GRANT pg_write_all_data TO a1",
        "a1",
        "write every table of every database",
        "membership of pg_write_all_data",
    ),
    Way(
        "system-role-that-logs-in",
        "ALTER ROLE cloudsqliamuser LOGIN",
        "cloudsqliamuser",
        "LOGIN",
        "system role",
    ),
    Way(
        "system-role-in-a-group",
        "GRANT g1 TO pg_monitor",
        "pg_monitor",
        "membership of g1",
        "system role",
    ),
    Way(
        "everybody-in-another-schema",
        "GRANT USAGE ON SCHEMA other TO PUBLIC; GRANT SELECT ON other.secret TO PUBLIC",
        "PUBLIC",
        "SELECT on table other.secret",
        "a grant to PUBLIC",
    ),
    Way(
        "column",
        "GRANT SELECT (email) ON public.users TO a1",
        "a1",
        "SELECT on column public.users.email",
        "a grant",
    ),
    Way(
        "group-of-any-name",
        "GRANT USAGE ON SCHEMA other TO g1; GRANT INSERT ON other.secret TO g1;"
        " GRANT g1 TO ai_square_app",
        "ai_square_app",
        "INSERT on table other.secret",
        "membership of g1",
    ),
    Way(
        "catalog",
        "GRANT SELECT ON pg_authid TO ai_square_monitor",
        "ai_square_monitor",
        "SELECT on table pg_authid",
        "a grant",
    ),
    Way(
        "function-of-postgresql",
        "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO g2; GRANT g2 TO a2",
        "a2",
        "EXECUTE on routine pg_read_file(text)",
        "membership of g2",
    ),
    Way(
        "large-object",
        "SELECT lo_create(4711); GRANT UPDATE ON LARGE OBJECT 4711 TO ai_square_readonly",
        "ai_square_readonly",
        "UPDATE on large object 4711",
        "a grant",
    ),
    Way(
        "setting",
        "GRANT SET ON PARAMETER log_statement TO ai_square_app",
        "ai_square_app",
        "SET on setting log_statement",
        "a grant",
    ),
    Way(
        "type",
        "CREATE TYPE other.t AS ENUM ('a'); REVOKE USAGE ON TYPE other.t FROM PUBLIC;"
        " GRANT USAGE ON TYPE other.t TO a1",
        "a1",
        "USAGE on type other.t",
        "a grant",
    ),
    Way(
        "foreign-server",
        f"{_SERVER}GRANT USAGE ON FOREIGN SERVER s TO ai_square_app",
        "ai_square_app",
        "USAGE on foreign server s",
        "a grant",
    ),
    Way(
        "user-mapping",
        f"{_SERVER}CREATE USER MAPPING FOR PUBLIC SERVER s",
        "PUBLIC",
        "log in to foreign server s",
        "user mapping of PUBLIC",
    ),
    Way(
        "other-database",
        "GRANT CREATE ON DATABASE postgres TO a1",
        "a1",
        "CREATE on database postgres",
        "a grant",
    ),
    Way(
        "defaults-of-another-grantor",
        "ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT DELETE ON TABLES TO ai_square_readonly",
        "ai_square_readonly",
        "DELETE on new tables of postgres",
        "default privileges of postgres",
    ),
    Way(
        "ownership",
        "ALTER TABLE other.secret OWNER TO a1",
        "a1",
        "owns table other.secret",
        "ownership",
    ),
    Way(
        "schema-of-a-declared-user",
        "ALTER SCHEMA other OWNER TO ai_square_app",
        "ai_square_app",
        "owns schema other",
        "ownership",
    ),
    Way(
        "admin-option",
        "GRANT g1 TO a1 WITH ADMIN OPTION",
        "a1",
        "make others members of g1",
        "grant",
    ),
    Way(
        "view",
        _owner("CREATE VIEW public.leak AS SELECT * FROM ops.drill_heartbeat"),
        "ai_square_app",
        "SELECT on table ops.drill_heartbeat",
        "view of public.leak",
    ),
    Way(
        "view-that-is-written",
        _owner(
            "CREATE VIEW public.leak AS SELECT * FROM ops.drill_heartbeat;"
            " REVOKE SELECT ON public.leak FROM ai_square_app"
        ),
        "ai_square_app",
        "DELETE on table ops.drill_heartbeat",
        "view of public.leak",
    ),
    Way(
        "view-of-passwords",
        "CREATE VIEW public.leak AS SELECT rolpassword FROM pg_authid;"
        " GRANT SELECT ON public.leak TO PUBLIC",
        "PUBLIC",
        "SELECT on table pg_catalog.pg_authid",
        "view of public.leak",
    ),
    Way(
        "rule",
        _owner(
            "CREATE RULE aside AS ON INSERT TO users DO ALSO"
            " INSERT INTO ops.drill_heartbeat DEFAULT VALUES"
        ),
        "ai_square_app",
        "INSERT on table ops.drill_heartbeat",
        "rule aside of public.users",
    ),
    Way(
        "definer-without-search-path",
        _owner(_DEFINER.format("sql", "", "'SELECT 1::bigint'")),
        "ai_square_app",
        "have ai_square_owner run other objects",
        "SECURITY DEFINER routine public.d()",
    ),
    Way(
        "definer-to-another-schema",
        _owner(_DEFINER.format("sql", _PINNED, "'SELECT count(*) FROM ops.drill_heartbeat'")),
        "ai_square_app",
        "table ops.drill_heartbeat",
        "SECURITY DEFINER routine public.d()",
    ),
    Way(
        "definer-of-a-trigger",
        _owner(
            "CREATE FUNCTION public.d() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
            f" {_PINNED} AS $$BEGIN TRUNCATE ops.drill_heartbeat; RETURN NEW; END$$;"
            " REVOKE EXECUTE ON FUNCTION public.d() FROM ai_square_app;"
            " CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION public.d()"
        ),
        "ai_square_app",
        "table ops.drill_heartbeat",
        "SECURITY DEFINER routine public.d()",
    ),
    Way(
        "trigger-of-a-stranger",
        "GRANT CREATE ON SCHEMA other TO a1; CREATE FUNCTION other.f() RETURNS trigger LANGUAGE"
        " plpgsql AS 'BEGIN RETURN NEW; END'; ALTER FUNCTION other.f() OWNER TO a1;"
        " CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION other.f()",
        "a1",
        "run code as whoever writes",
        "t on public.users",
    ),
    Way(
        "row-security-without-a-policy",
        _owner("ALTER TABLE users ENABLE ROW LEVEL SECURITY"),
        "ai_square_app",
        "LESS than declared: SELECT of no row",
        "row security on public.users",
    ),
)
# Nothing of this lets anybody do more.
HARMLESS = (
    "GRANT g1 TO a1; GRANT g2 TO g1",
    "GRANT SELECT ON other.secret TO a1",
    "GRANT USAGE ON LANGUAGE sql TO a1",
    "CREATE ROLE somebody LOGIN PASSWORD 'x' CONNECTION LIMIT 1",
    "CREATE ROLE person LOGIN IN ROLE cloudsqliamuser",
    _owner("CREATE VIEW public.plain AS SELECT * FROM users"),
    _owner(
        "CREATE VIEW public.invoked WITH (security_invoker = true) AS"
        " SELECT * FROM ops.drill_heartbeat"
    ),
    _owner(
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY;"
        " CREATE POLICY everything ON users USING (true) WITH CHECK (true)"
    ),
    _owner(
        "CREATE FUNCTION public.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        " CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION public.t()"
    ),
)
UNKNOWN = (
    _owner(
        _DEFINER.format("plpgsql", _PINNED, "$$BEGIN EXECUTE 'SEL' || 'ECT 1'; RETURN 1; END$$")
    ),
    "REVOKE SELECT ON pg_user_mappings FROM PUBLIC",
)
