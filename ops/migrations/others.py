"""A second session that watches the runner's own: what it waits for, and for whom."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic

import psycopg

from ops import waiting
from ops.console import Progress
from ops.db import Connection
from ops.errors import OpsError
from ops.waiting import Blocker, duration, named

Connect = Callable[[], AbstractContextManager[Connection]]
# Often enough to meet a wait of 100 ms, the shortest lock_timeout, a few times.
LOOK_OFTEN_S = 0.03
LOOK_SELDOM_S = 1.0
# Most steps end sooner, and cost no second session.
FIRST_LOOK_S = 2.0
# Nobody takes a run for hung that speaks so often.
_LINE_EVERY_S = 5.0


class Watch:
    """Watches one backend while it runs a statement.

    Attributes:
        blockers: who kept it waiting when last somebody did.
        blind: why the watcher can't look; empty where it can.
    """

    def __init__(self, progress: Progress, where: Callable[[], str], limit_s: float) -> None:
        self.blockers: tuple[Blocker, ...] = ()
        self.blind = ""
        self._progress, self._where, self._limit_s = progress, where, limit_s
        self._over = threading.Event()
        self._quiet = False
        self.resume()

    def pause(self) -> None:
        """Say nothing until resumed: the statement has not begun."""
        self._quiet = True

    def resume(self) -> None:
        """Count the time of the statement from now."""
        self._start = monotonic()
        self._next_line = self._start + FIRST_LOOK_S
        self._quiet = False

    def stop(self) -> None:
        """Let the watcher end."""
        self._over.set()

    def look(self, connect: Connect, pid: int, *, often: bool) -> None:
        """Look until stopped; where that fails, say why and let the statement go on."""
        if not often and self._over.wait(FIRST_LOOK_S):
            return
        try:
            with connect() as connection:
                while not self._over.wait(LOOK_OFTEN_S if often else LOOK_SELDOM_S):
                    self._look(connection, pid)
        except (OpsError, psycopg.Error) as error:
            self.blind = str(error)
        while self.blind and not self._over.wait(LOOK_SELDOM_S):
            self._say(f"runs; for whom it may wait is {named((), blind=self.blind)}")

    def _look(self, connection: Connection, pid: int) -> None:
        now = waiting.blockers(connection, pid)
        self.blockers = now or self.blockers
        if self._quiet or monotonic() < self._next_line:
            return
        phase = waiting.phase(connection, pid)
        step = f" ({phase})" if phase else ""
        self._say(f"waits for {named(now)}{step}" if now else f"runs{step}")

    def _say(self, what: str) -> None:
        moment = monotonic()
        if self._quiet or moment < self._next_line:
            return
        self._next_line = moment + _LINE_EVERY_S
        limit = f", at most {duration(self._limit_s)}" if self._limit_s else ""
        took = duration(moment - self._start)
        self._progress.line(f"{self._where()}: {what}; {took} so far{limit}")


@contextmanager
def watching(connect: Connect, pid: int, watch: Watch, *, often: bool) -> Iterator[Watch]:
    """Watch a backend while the block runs, from a session of its own.

    Args:
        connect: opens that session.
        pid: the backend's.
        watch: what reports.
        often: look at once and often, since waits are short; else after two seconds.
    """
    thread = threading.Thread(
        target=watch.look, args=(connect, pid), kwargs={"often": often}, daemon=True
    )
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join()
