"""The role that carries data in and out: ``cloudsqlimportexport``, as Cloud SQL names it.

It logs in while one import or export runs, with a password that only this process knows, and
has the powers of one user then and no others. So nothing that a file or a query does, not
even RESET ROLE, gets at the administrator's powers.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from infra.local.engine import roles
from infra.local.engine.cluster import Cluster
from infra.local.engine.conf import ADMIN
from infra.local.errors import EngineError

COURIER = sql.Identifier(roles.COURIER_ROLE)
# With these a user runs programs and reads files as the clusters' user.
_FILE_POWERS = ["pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"]
# Since PostgreSQL 16 only who was given a role WITH ADMIN OPTION can give it on.
_CLOSED_SINCE = 160000
_READ_ALL = "pg_read_all_data"  # since PostgreSQL 14


class NoUserError(EngineError):
    """The user that an import was asked to run as is not there."""

    code = "ERROR_RDBMS"

    def __init__(self, name: str) -> None:
        super().__init__(f'role "{name[:63]}" does not exist: create the user before the import.')


@dataclass(frozen=True, slots=True)
class Login:
    """How libpq's clients get in.

    Attributes:
        host: The socket's folder.
        port: PostgreSQL's.
        database: The database.
        user: Who logs in.
        role: Whose powers the session has; empty for the user's own.
        password: The user's; empty for none.
    """

    host: str
    port: int
    database: str
    user: str
    role: str = ""
    password: str = field(default="", repr=False)

    def environment(self) -> Mapping[str, str]:
        """Return libpq's variables: a name in them is a name, whatever characters it has."""
        variables = {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGDATABASE": self.database,
            "PGUSER": self.user,
            "PGAPPNAME": "cloudsqlimportexport",
        }
        if self.password:
            variables["PGPASSWORD"] = self.password
        if self.role:
            variables["PGOPTIONS"] = self._options()
        return variables

    def connect(self) -> psycopg.Connection:
        """Return an open connection."""
        return psycopg.connect(
            host=self.host,
            port=self.port,
            dbname=self.database,
            user=self.user,
            password=self.password or None,
            options=self._options() if self.role else "",
            application_name="cloudsqlimportexport",
        )

    def _options(self) -> str:
        escaped = "".join(
            f"\\{character}" if character in "\\ \t\n" else character for character in self.role
        )
        return f"-c role={escaped}"


def administrator(cluster: Cluster, database: str) -> Login:
    """Return the administrator's login, through the socket, as its operating system user."""
    return Login(str(cluster.layout.socket), cluster.settings.port, database, ADMIN)


@contextmanager
def lent_to_import(cluster: Cluster, database: str, user: str) -> Iterator[Login]:
    """Yield a login with one user's powers.

    Raises:
        NoUserError: There is no such user.
    """
    if user not in {role.name for role in roles.names(cluster)}:
        raise NoUserError(user)
    with _lent(cluster, database, user) as login:
        yield login


@contextmanager
def lent_to_export(cluster: Cluster, database: str) -> Iterator[Login]:
    """Yield a login that reads every table and can do nothing else."""
    with _lent(cluster, database, None) as login:
        yield login


@contextmanager
def _lent(cluster: Cluster, database: str, user: str | None) -> Iterator[Login]:
    password = secrets.token_urlsafe(32)
    take_back(cluster)
    with cluster.connect() as connection, connection.transaction():
        _close_file_powers(connection)
        _give(connection, user)
        verifier = roles.verifier(connection, roles.COURIER_ROLE, password)
        reads = sql.SQL("BYPASSRLS" if user is None else "NOBYPASSRLS")
        connection.execute(
            sql.SQL("ALTER ROLE {} LOGIN {} PASSWORD {}").format(
                COURIER, reads, sql.Literal(verifier)
            )
        )
    try:
        host, port = str(cluster.layout.socket), cluster.settings.port
        yield Login(host, port, database, roles.COURIER_ROLE, user or "", password)
    finally:
        take_back(cluster)


def _give(connection: psycopg.Connection, user: str | None) -> None:
    power = user or _READ_ALL
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (power,)).fetchone()
    group = power if known else roles.DEFAULT_USER
    connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), COURIER))


def _close_file_powers(connection: psycopg.Connection) -> None:
    """Let nobody but a superuser give the powers over files and programs.

    Until PostgreSQL 15 whoever may create roles, as every user of the API may, could give
    them to himself; Cloud SQL's PostgreSQL is changed there. A role that is a superuser's
    can be given by superusers alone.
    """
    if connection.info.server_version >= _CLOSED_SINCE:
        return
    connection.execute("SET LOCAL allow_system_table_mods = on")
    connection.execute(
        "UPDATE pg_authid SET rolsuper = true WHERE rolname = ANY(%s) AND NOT rolsuper",
        (_FILE_POWERS,),
    )


def close_file_powers(cluster: Cluster) -> None:
    """Do so in a new cluster."""
    with cluster.connect() as connection, connection.transaction():
        _close_file_powers(connection)


def take_back(cluster: Cluster) -> None:
    """Make the role if need be, and leave it without login, sessions and powers."""
    with cluster.connect() as connection:
        if not connection.execute(
            "SELECT 1 FROM pg_roles WHERE rolname = %s", (roles.COURIER_ROLE,)
        ).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(COURIER))
            return
        connection.execute(
            sql.SQL("ALTER ROLE {} NOLOGIN NOBYPASSRLS PASSWORD NULL").format(COURIER)
        )
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
            (roles.COURIER_ROLE,),
        )
        for (group,) in connection.execute(
            "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
            " JOIN pg_roles c ON c.oid = m.member WHERE c.rolname = %s",
            (roles.COURIER_ROLE,),
        ).fetchall():
            connection.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(group), COURIER))
