"""The roles and extensions that Cloud SQL gives every instance, and the users of the API."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from infra.local.engine.cluster import ADMIN_DATABASE, Cluster
from infra.local.engine.conf import ADMIN, IAM_SERVICE_ACCOUNTS, IAM_USERS

SUPERUSER_ROLE = "cloudsqlsuperuser"
DEFAULT_USER = "postgres"
COURIER_ROLE = "cloudsqlimportexport"  # logs in while an import or export runs: see courier.py
# Cloud SQL lets cloudsqlsuperuser create these; stock PostgreSQL lets superusers alone. So
# they are there already, in every database (through template1), and CREATE EXTENSION IF NOT
# EXISTS finds them.
_EXTENSIONS = ("amcheck", "pg_stat_statements", "pgstattuple", "pg_buffercache")
_GRANT_EXTENSIONS = """
DO $$ DECLARE f regprocedure; BEGIN
    FOR f IN SELECT d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
        WHERE d.deptype = 'e' AND d.classid = 'pg_proc'::regclass AND e.extname <> 'plpgsql'
    LOOP EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO cloudsqlsuperuser', f); END LOOP;
END $$;
"""
_POWERS = ("pg_monitor", "pg_signal_backend", "pg_checkpoint")


@dataclass(frozen=True, slots=True)
class Role:
    """A login of an instance.

    Attributes:
        name: Its name.
        groups: The roles it is a member of, in order.
    """

    name: str
    groups: tuple[str, ...]


def furnish(cluster: Cluster, password: str | None) -> None:
    """Make Cloud SQL's own roles and extensions in a new cluster.

    Args:
        cluster: A running cluster, fresh from initdb.
        password: Of the user postgres; None leaves it without one.
    """
    with cluster.connect() as connection:
        connection.execute("".join(_role_statements()))
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                sql.Identifier(ADMIN_DATABASE), sql.Identifier(SUPERUSER_ROLE)
            )
        )
        if password is not None:
            _set_verifier(connection, DEFAULT_USER, verifier(connection, DEFAULT_USER, password))
    for database in ("template1", ADMIN_DATABASE):
        with cluster.connect(database) as connection:
            connection.execute("".join(_extension_statements()))


def _role_statements() -> Iterator[str]:
    yield f"CREATE ROLE {SUPERUSER_ROLE} NOLOGIN CREATEDB CREATEROLE;"
    yield from _iam_statements()
    yield f"CREATE ROLE {DEFAULT_USER} LOGIN CREATEDB CREATEROLE IN ROLE {SUPERUSER_ROLE};"
    for power in _POWERS:
        # pg_checkpoint came with PostgreSQL 15.
        yield f"""DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{power}')
            THEN GRANT {power} TO {SUPERUSER_ROLE} WITH ADMIN OPTION; END IF; END $$;"""


def _iam_statements() -> Iterator[str]:
    for role in (IAM_USERS, IAM_SERVICE_ACCOUNTS):
        yield f"""DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')
            THEN CREATE ROLE {role} NOLOGIN; END IF; END $$;"""


def _extension_statements() -> Iterator[str]:
    for extension in _EXTENSIONS:
        yield f"CREATE EXTENSION IF NOT EXISTS {extension};"
    yield _GRANT_EXTENSIONS


def names(cluster: Cluster) -> tuple[Role, ...]:
    """Return the users of an instance; the administrator and PostgreSQL's own roles are none."""
    with cluster.connect() as connection:
        rows = connection.execute(
            """SELECT r.rolname,
                      array(SELECT g.rolname FROM pg_auth_members m
                            JOIN pg_roles g ON g.oid = m.roleid
                            WHERE m.member = r.oid ORDER BY 1)::text[]
               FROM pg_roles r WHERE r.rolcanlogin AND r.rolname <> ALL(%s) ORDER BY 1""",
            ([ADMIN, COURIER_ROLE],),
        ).fetchall()
    return tuple(Role(name, tuple(groups)) for name, groups in rows)


def create(cluster: Cluster, name: str, password: str | None, groups: tuple[str, ...] = ()) -> None:
    """Create a user as the API does: a login in cloudsqlsuperuser, or in the given roles.

    Raises:
        psycopg.errors.DuplicateObject: If the role exists.
        psycopg.errors.UndefinedObject: If one of the roles does not.
    """
    member_of = groups or (SUPERUSER_ROLE,)
    with cluster.connect() as connection, connection.transaction():
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE IN ROLE {}").format(
                sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, member_of))
            )
        )
        if password is not None:
            _set_verifier(connection, name, verifier(connection, name, password))


def create_iam(cluster: Cluster, name: str, kind: str, groups: tuple[str, ...] = ()) -> None:
    """Create an IAM user: a login without a password, in the role of its kind and in others.

    Raises:
        psycopg.errors.DuplicateObject: If the role exists.
        psycopg.errors.UndefinedObject: If one of the others does not.
    """
    member_of = (kind, *groups)
    with cluster.connect() as connection, connection.transaction():
        connection.execute("".join(_iam_statements()))  # an older instance lacks them
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(
                sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, member_of))
            )
        )


def regroup(cluster: Cluster, name: str, into: Sequence[str], out_of: Sequence[str]) -> None:
    """Make a user a member of some roles, and of others no longer.

    Raises:
        psycopg.errors.UndefinedObject: If one of the roles does not exist.
    """
    user = sql.Identifier(name)
    with cluster.connect() as connection, connection.transaction():
        for group in into:
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), user))
        for group in out_of:
            connection.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(group), user))


def set_password(cluster: Cluster, name: str, password: str) -> None:
    """Set a user's password.

    Raises:
        psycopg.errors.UndefinedObject: If the role does not exist.
    """
    with cluster.connect() as connection:
        _set_verifier(connection, name, verifier(connection, name, password))


def drop(cluster: Cluster, name: str) -> None:
    """Drop a user.

    Raises:
        psycopg.errors.DependentObjectsStillExist: If it owns anything.
        psycopg.errors.UndefinedObject: If it does not exist.
    """
    with cluster.connect() as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def verifier(connection: psycopg.Connection, name: str, password: str) -> str:
    """Return the SCRAM verifier of a password: PostgreSQL and its logs never see the password."""
    secret = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    return secret.decode()


def _set_verifier(connection: psycopg.Connection, name: str, secret: str) -> None:
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(secret))
    )
