"""Other sessions that stand in the way: who they are, for how long, and doing what."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.rows import args_row

from ops import sql
from ops.db import Connection, statement
from ops.errors import OpsError

Connect = Callable[[], AbstractContextManager[Connection]]
# Often enough to meet a wait of 100 ms, the shortest lock_timeout, a few times.
_LOOK_EVERY_S = 0.03
_MINUTE_S = 60
_HOUR_S = 60 * _MINUTE_S


@dataclass(frozen=True, slots=True)
class Other:
    """One session of somebody else.

    Attributes:
        pid: its backend; 0 is a prepared transaction.
        user: its role.
        application: what it calls itself.
        state: as pg_stat_activity says, ``idle in transaction`` for one.
        age_s: how long its transaction, or the session, has lasted.
        query: its last query, shortened.
    """

    pid: int
    user: str
    application: str
    state: str
    age_s: float
    query: str

    def __str__(self) -> str:
        who = f"pid {self.pid} ({', '.join(filter(None, (self.user, self.application)))})"
        query = f": {' '.join(self.query.split())}" if self.query else ""
        return f"{who}, {self.state or 'state hidden'}, for {duration(self.age_s)}{query}"


def duration(seconds: float) -> str:
    """Return a time as people say it: ``40 ms``, ``12 s``, ``3 min``, ``2 h``."""
    if seconds < _MINUTE_S:
        return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.0f} h"


def named(others: tuple[Other, ...]) -> str:
    """Return sessions as a sentence names them, three at most."""
    shown = "; ".join(map(str, others[:3]))  # more would hide the sentence around them
    more = f"; and {len(others) - 3} more" if len(others) > 3 else ""  # noqa: PLR2004 - as above
    return f"{shown}{more}" if shown else "a session that was gone when we looked"


def ask(connection: Connection, name: str, values: Mapping[str, object]) -> tuple[Other, ...]:
    """Return the sessions that a statement of ``sql/migrate/`` finds."""
    with connection.cursor(row_factory=args_row(Other)) as cursor:
        return tuple(cursor.execute(statement(sql.load(f"migrate/{name}")), values))


class Watch:
    """What a watcher saw of the sessions that keep another one waiting."""

    def __init__(self) -> None:
        self.blockers: tuple[Other, ...] = ()
        self._over = threading.Event()

    def stop(self) -> None:
        """Let the watcher end."""
        self._over.set()

    def look(self, connect: Connect, pid: int) -> None:
        """Look until stopped; a watcher that can't look is silent, the wait goes on."""
        with contextlib.suppress(OpsError, psycopg.Error), connect() as connection:
            while not self._over.wait(_LOOK_EVERY_S):
                self.blockers = ask(connection, "blockers", {"pid": pid}) or self.blockers


@contextmanager
def watching(connect: Connect, pid: int) -> Iterator[Watch]:
    """Watch who blocks a backend while the block runs, from a session of its own."""
    watch = Watch()
    thread = threading.Thread(target=watch.look, args=(connect, pid), daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join()
