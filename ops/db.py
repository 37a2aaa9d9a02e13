"""The only place that opens a PostgreSQL connection: as whom, where, with which budget."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import sql as psql
from psycopg.rows import TupleRow

from ops.errors import OpsError

if TYPE_CHECKING:  # only drills pool connections; pydantic stays where a task runs
    from psycopg_pool import ConnectionPool

    from infra.settings import Pool

CONNECT_LIMIT_S = 10
CLOSE_LIMIT_S = 2.0  # a pool's threads may be connecting just now
# PostgreSQL's words for SQLSTATE 53300; libpq gives no SQLSTATE of a refused connection.
# What a server says that is going, or not there yet.
_GOING = ("starting up", "shutting down", "not yet accepting", "recovery mode", "terminating")
_FULL = ("too many clients", "too many connections", "remaining connection slots")
Connection = psycopg.Connection[TupleRow]
# What it warns of, such as a rollback on a connection that was cut, comes as an error too.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Budget:
    """What a connection may cost the server.

    Attributes:
        statement_s: the longest statement, in seconds; 0 is without a limit, None leaves it
            to the server's own setting.
        lock_s: the longest wait for a lock, in seconds; 0 and None likewise.
        read_only: whether its transactions may only read; None leaves it to the server's own
            setting.
        utc: whether its time zone is UTC; else it is the server's own setting.
    """

    statement_s: float | None
    lock_s: float | None
    read_only: bool | None
    utc: bool = True


# Diagnostics run beside the application and must never queue in front of it.
DIAGNOSTIC = Budget(statement_s=5.0, lock_s=0.1, read_only=True)
# Verification reads everything of a copy that nobody else uses.
VERIFY = Budget(statement_s=0, lock_s=5.0, read_only=True)
# Changes set their own limits by class of statement.
CHANGE = Budget(statement_s=0, lock_s=2.0, read_only=False)
# A migration does not write where somebody set the database to read only.
MIGRATE = Budget(statement_s=0, lock_s=2.0, read_only=None)
# Reading what the server's configuration says hides nothing of it behind our own limits.
AS_CONFIGURED = Budget(statement_s=None, lock_s=None, read_only=True)


class CannotConnectError(OpsError):
    """PostgreSQL does not let us in, or is not there.

    Attributes:
        database: which one.
        full: whether all of its connections are taken.
        away: whether no server answered, or one that is going or coming: not a refusal.
    """

    def __init__(self, database: "Database", user: str, reason: str) -> None:
        # libpq names the server once more, twice failed, before it says why
        why = reason.strip().splitlines()[0].rpartition("failed: ")[2]
        self.database = database
        self.full = any(words in why for words in _FULL)
        self.away = "FATAL" not in why or any(words in why for words in _GOING)
        remedy = "Check that the instance runs and that this machine reaches its address."
        if self.full:
            remedy = "Close connections that nobody needs, or raise max_connections."
        super().__init__(
            f"Can't connect to database {database.name} at {database.host}:{database.port} as "
            f"{user}: {why}. {remedy}"
        )


class QueryFailedError(OpsError):
    """PostgreSQL refused a statement.

    Attributes:
        database: which one.
        sqlstate: PostgreSQL's code for it; None where it did not answer any more.
    """

    def __init__(self, database: "Database", user: str, error: psycopg.Error) -> None:
        self.database, self.sqlstate = database, error.sqlstate
        text = error.diag.message_primary or str(error).strip().splitlines()[0]
        hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
        super().__init__(
            f"PostgreSQL refused a statement of {user} in {database.name}: {text} "
            f"(SQLSTATE {error.sqlstate or 'unknown'}).{hint}"
        )


class NoPasswordError(OpsError):
    """The password of a user is not where it should be."""

    def __init__(self, user: str, path: Path) -> None:
        super().__init__(
            f"There is no password of {user} in {path}. Run `invoke local.deploy`, which makes it."
        )


class Passwords(Protocol):
    """Where passwords come from."""

    def password(self, user: str) -> str | None:
        """Return a user's password; None leaves it to libpq (PGPASSFILE, PGPASSWORD)."""


@dataclass(frozen=True, slots=True)
class PasswordFolder:
    """Passwords of a rehearsal: one 0600 file a user."""

    folder: Path

    def password(self, user: str) -> str:
        """Return the password in the user's file; raises NoPasswordError."""
        path = self.folder / user
        try:
            return path.read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise NoPasswordError(user, path) from None


@dataclass(frozen=True, slots=True)
class LibpqPasswords:
    """Passwords as libpq finds them: PGPASSFILE or PGPASSWORD."""

    def password(self, user: str) -> None:
        """Leave it to libpq."""


@dataclass(frozen=True, slots=True)
class Database:
    """One database of one server.

    Attributes:
        host: an address, or the folder of a Unix socket.
        port: PostgreSQL's.
        name: the database.
        passwords: where passwords come from.
    """

    host: str
    port: int
    name: str
    passwords: Passwords

    def at(self, host: str, port: int | None = None) -> "Database":
        """Return the same database on another server, as a restored copy is."""
        return replace(self, host=host, port=self.port if port is None else port)

    def named(self, name: str) -> "Database":
        """Return another database of the same server."""
        return replace(self, name=name)

    @contextmanager
    def connect(
        self,
        user: str,
        *,
        budget: Budget,
        autocommit: bool = True,
        name: str = "ai-square-db",
        silence_s: int | None = None,
    ) -> Iterator[Connection]:
        """Open a connection and close it after the block.

        Without autocommit the block is one transaction, committed at its end and
        rolled back when it raises.

        Args:
            user: the role to log in as.
            budget: limits that the session starts with.
            autocommit: whether every statement commits by itself.
            name: shown as ``application_name`` in pg_stat_activity.
            silence_s: a server that answers nothing for so long counts as gone, in seconds;
                None leaves that to the system, where it takes hours.

        Raises:
            CannotConnectError: nobody answers, or we are not let in.
            QueryFailedError: a psycopg error that the block did not catch.
        """
        try:
            arguments = self._arguments(user, budget, name, silence_s)
            connection = psycopg.connect(autocommit=autocommit, **arguments)
        except psycopg.OperationalError as error:
            raise CannotConnectError(self, user, str(error)) from error
        try:
            with connection:
                yield connection
        except psycopg.Error as error:
            raise QueryFailedError(self, user, error) from error

    @contextmanager
    def pooled(
        self,
        user: str,
        *,
        budget: Budget,
        pool: "Pool",
        least: int,
        name: str,
        silence_s: int,
        connected: Callable[[Connection], None],
    ) -> Iterator["ConnectionPool[Connection]"]:
        """Open a pool of connections, as an application has it, and close it after the block.

        Args:
            user: the role to log in as.
            budget: limits that every session starts with.
            pool: the pool's settings.
            least: how many connections are open at once; the pool's size where that is less.
            name: shown as ``application_name`` in pg_stat_activity.
            silence_s: a server that answers nothing for so long counts as gone, in seconds.
            connected: called with every new connection, on a thread of the pool.
        """
        from psycopg_pool import ConnectionPool

        # what a pool complains about reaches whoever asks it for a connection, as an error
        logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
        connections: ConnectionPool[Connection] = ConnectionPool(
            kwargs={**self._arguments(user, budget, name, silence_s), "autocommit": True},
            min_size=min(least, pool.size),
            max_size=pool.size,
            max_idle=pool.idle_timeout_s,
            max_lifetime=pool.lifetime_s,
            configure=connected,
            name=name,
            open=True,
        )
        try:
            yield connections
        finally:
            connections.close(timeout=CLOSE_LIMIT_S)

    def _arguments(
        self, user: str, budget: Budget, name: str, silence_s: int | None
    ) -> dict[str, Any]:
        """Return what libpq connects with."""
        limits = {"statement_timeout": budget.statement_s, "lock_timeout": budget.lock_s}
        settings = {
            **{name: int(limit * 1000) for name, limit in limits.items() if limit is not None},
            **({"timezone": "UTC"} if budget.utc else {}),
        }
        if budget.read_only is not None:
            settings["default_transaction_read_only"] = "on" if budget.read_only else "off"
        arguments = {
            "host": self.host,
            "port": self.port,
            "dbname": self.name,
            "user": user,
            "password": self.passwords.password(user),
            "application_name": name,
            "connect_timeout": CONNECT_LIMIT_S if silence_s is None else silence_s,
            "options": " ".join(f"-c {key}={value}" for key, value in settings.items()),
        }
        if silence_s is not None:
            # https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-KEEPALIVES
            arguments |= {
                "tcp_user_timeout": silence_s * 1000,
                "keepalives_idle": max(1, silence_s // 2),
                "keepalives_interval": 1,
                "keepalives_count": max(1, silence_s - silence_s // 2),
            }
        return arguments


def statement(text: str) -> psql.SQL:
    """Return SQL text from our own files as a statement: the one place where text becomes SQL."""
    return psql.SQL(text)
