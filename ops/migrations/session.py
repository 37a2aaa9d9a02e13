"""The runner's session: a direct connection, and the locks that keep other runners out.

Two sessions hold a lock each, and a runner needs both. That of the session that does the
work outlives a killed runner for as long as its server process goes on, building an index
for one; but a migration can give it up (pg_advisory_unlock_all). That of the session beside
it no migration reaches; but it ends with the runner.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep

import psycopg
from psycopg.rows import scalar_row

from ops import sql
from ops.console import Progress
from ops.db import Connection, statement
from ops.errors import OpsError
from ops.migrations import rights
from ops.migrations.others import Connect
from ops.waiting import Blocker, advisory_lock_holders, duration, named

# Advisory locks share one space of numbers in a database: "aisq mig" in ASCII.
LOCK_KEY = int.from_bytes(b"aisq mig", "big")
WORK_KEY = LOCK_KEY + 1
_POLL_S = 0.25
# A server process whose runner was killed notices within this time and gives up, also in
# the middle of building an index; the runner's lock is free then.
_GONE_CHECK_MS = 2_000
# DISCARD ALL, in one round trip: that can't run together with other statements.
# https://www.postgresql.org/docs/15/sql-discard.html
_AS_NEW = (
    "CLOSE ALL; RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; DEALLOCATE ALL; UNLISTEN *; "
    "SELECT pg_advisory_unlock_all(); DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES"
)


class PoolerError(OpsError):
    """The connection goes through a pooler."""

    def __init__(self) -> None:
        super().__init__(
            "The connection goes through a pooler: the server's process is not the one that "
            "greeted us. Migrations need their session for themselves (the lock, SET): connect "
            "to the instance's own address and port 5432."
        )


class BusyError(OpsError):
    """Another runner is at work."""

    def __init__(self, wait_s: float, holders: tuple[Blocker, ...]) -> None:
        super().__init__(
            f"Another run of migrations has held the lock for {duration(wait_s)} while we waited: "
            f"{named(holders)}. Let it end and run the command again; a killed runner's session "
            "ends by itself within seconds."
        )


class LockLostError(OpsError):
    """Another runner could be at work."""

    def __init__(self) -> None:
        super().__init__(
            "The lock that keeps other runs of migrations out of this database was lost: its "
            "session was ended, or another run took it. Nothing more was begun. Run the command "
            "again; it goes on from what the ledger and the catalog say."
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient a run is.

    Attributes:
        wait_s: for another runner to end.
        lock_ms: the first lock_timeout of a step that keeps others waiting; it doubles with
            every try.
        lock_most_ms: where that ends. An application's request survives a wait of 2 s.
        row_lock_ms: the lock_timeout of a step that reads and writes rows only.
        tries: for locks, each with a timeout, the last one too.
        pause_s: between the first two tries; it doubles with every try, with jitter.
        pause_most_s: where that ends.
        holder_wait_s: for transactions to end that a concurrent statement would wait for.
    """

    wait_s: float = 30
    lock_ms: int = 100
    lock_most_ms: int = 2_000
    row_lock_ms: int = 30_000
    tries: int = 30
    pause_s: float = 0.2
    pause_most_s: float = 5
    holder_wait_s: float = 60


class RunnerSession:
    """The session that runs migrations, and the one beside it that keeps other runners out.

    Args:
        connection: runs the steps; autocommit.
        beside: holds the lock, and makes notes that no setting of a migration may touch.
    """

    def __init__(self, connection: Connection, beside: Connection) -> None:
        self.connection = connection
        self.beside = beside

    def renew(self, lock_ms: int, statement_ms: int) -> None:
        """Make the session as new, with these timeouts; raises LockLostError."""
        self._hold(f"{_AS_NEW}; {_limits(lock_ms, statement_ms)}")

    def clean(self, lock_ms: int, statement_ms: int) -> None:
        """Make the session as new, to record what is done whoever else is at work."""
        commands = f"{_AS_NEW}; {_limits(lock_ms, statement_ms)}"
        self.connection.execute(statement(f"{commands}; SELECT pg_try_advisory_lock({WORK_KEY})"))

    def limit(self, lock_ms: int, statement_ms: int) -> None:
        """Set how long a statement may wait and take, in milliseconds; 0 is without a limit."""
        self.connection.execute(statement(_limits(lock_ms, statement_ms)))

    def leave_role(self) -> None:
        """Be the user who logged in again, who owns the ledger; raises LockLostError."""
        self._hold("RESET SESSION AUTHORIZATION; RESET ROLE")

    def _hold(self, commands: str) -> None:
        """Run commands, and make sure that no other runner can be at work.

        Raises:
            LockLostError: it can.
        """
        with self.connection.cursor() as cursor:
            # Taking what it holds already is harmless: the session gives all of it up at once.
            cursor.execute(statement(f"{commands}; SELECT pg_try_advisory_lock({WORK_KEY})"))
            while cursor.nextset():
                pass
            working = cursor.fetchone() == (True,)
        if not working:
            raise LockLostError
        try:
            # It runs no migration: what it locked is free only when it ends.
            self.beside.execute(statement(sql.load("migrate/alive")))
        except psycopg.Error as error:
            raise LockLostError from error


def _limits(lock_ms: int, statement_ms: int) -> str:
    return (
        f"SET client_connection_check_interval = {_GONE_CHECK_MS}; "
        f"SET lock_timeout = {lock_ms}; SET statement_timeout = {statement_ms}"
    )


@contextmanager
def exclusive(connect: Connect, limits: Limits, progress: Progress) -> Iterator[RunnerSession]:
    """Open a direct session that no other runner works beside; all ends with the block.

    Raises:
        PoolerError: the connection goes through a pooler.
        BusyError: another runner holds a lock for too long.
        ops.errors.OpsError: nothing can be written here, see rights.py.
    """
    with _open(connect) as beside, _open(connect) as connection:
        rights.refuse_unwritable(connection)
        beside.execute("SET idle_session_timeout = 0")
        _lock((beside, connection), limits, progress)
        yield RunnerSession(connection, beside)


@contextmanager
def _open(connect: Connect) -> Iterator[Connection]:
    with connect() as connection:
        connection.prepare_threshold = None  # every statement runs once
        refuse_pooler(connection)
        yield connection


def refuse_pooler(connection: Connection) -> None:
    """Refuse a connection whose server process changes.

    A pooler makes up the process number of its greeting, since it can't know which
    server connection a transaction will get.

    Raises:
        PoolerError: the greeting's number is not the server process's own.
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        own = cursor.execute("SELECT pg_backend_pid()").fetchone()
    if own != connection.info.backend_pid:
        raise PoolerError


def _lock(sessions: tuple[Connection, Connection], limits: Limits, progress: Progress) -> None:
    """Poll for the locks: a session that waits in one statement holds a snapshot.

    CREATE INDEX CONCURRENTLY of the other runner would wait for that snapshot, and
    we for its lock: a deadlock.
    """
    start = monotonic()
    for session, key in zip(sessions, (LOCK_KEY, WORK_KEY), strict=True):
        if _true(session, "runner_lock", key):
            continue
        progress.line(f"Waiting for another run: {named(_holders(session))}")
        while not _true(session, "runner_lock", key):
            if monotonic() - start >= limits.wait_s:
                raise BusyError(limits.wait_s, _holders(session))
            sleep(_POLL_S)


def _true(connection: Connection, name: str, key: int) -> bool:
    with connection.cursor(row_factory=scalar_row) as cursor:
        cursor.execute(statement(sql.load(f"migrate/{name}")), {"key": key})
        return bool(cursor.fetchone())


def _holders(connection: Connection) -> tuple[Blocker, ...]:
    """Return who works under the locks; who only keeps others out, where nobody does."""
    working = advisory_lock_holders(connection, WORK_KEY)
    return working or advisory_lock_holders(connection, LOCK_KEY)
