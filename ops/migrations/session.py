"""The runner's session: a direct connection, and the lock that keeps other runners out.

The lock lives in the session that does the work. Were it in one of its own, a killed
runner's server process could go on building an index while the next runner thinks
itself alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep

from psycopg.rows import scalar_row

from ops import sql
from ops.console import Progress
from ops.db import Connection, statement
from ops.errors import OpsError
from ops.migrations.others import Connect, Other, ask, duration, named

# Advisory locks share one space of numbers in a database: "aisq mig" in ASCII.
LOCK_KEY = int.from_bytes(b"aisq mig", "big")
_POLL_S = 0.25


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

    def __init__(self, wait_s: float, holders: tuple[Other, ...]) -> None:
        super().__init__(
            f"Another run of migrations has held the lock for {duration(wait_s)} while we waited: "
            f"{named(holders)}. Let it end and run the command again; a killed runner's session "
            "ends by itself within seconds."
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


@contextmanager
def exclusive(connect: Connect, limits: Limits, progress: Progress) -> Iterator[Connection]:
    """Open a direct session that holds the runner's lock; both end with the block.

    Raises:
        PoolerError: the connection goes through a pooler.
        BusyError: another runner holds the lock for too long.
    """
    with connect() as connection:
        connection.prepare_threshold = None  # every statement runs once
        refuse_pooler(connection)
        _lock(connection, limits, progress)
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


def _lock(connection: Connection, limits: Limits, progress: Progress) -> None:
    """Poll for the lock: a session that waits in one statement holds a snapshot.

    CREATE INDEX CONCURRENTLY of the other runner would wait for that snapshot, and
    we for its lock: a deadlock.
    """
    start = monotonic()
    if _try_lock(connection):
        return
    progress.line(f"Waiting for another run: {named(_holders(connection))}")
    while monotonic() - start < limits.wait_s:
        sleep(_POLL_S)
        if _try_lock(connection):
            return
    raise BusyError(limits.wait_s, _holders(connection))


def _try_lock(connection: Connection) -> bool:
    with connection.cursor(row_factory=scalar_row) as cursor:
        cursor.execute(statement(sql.load("migrate/runner_lock")), {"key": LOCK_KEY})
        return bool(cursor.fetchone())


def _holders(connection: Connection) -> tuple[Other, ...]:
    return ask(connection, "lock_holder", {"key": LOCK_KEY})
