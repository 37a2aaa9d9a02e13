"""The threads of work on databases: side by side, stopped together.

What fails in a part of a crew ends that part alone; what fails in the crew ends all of it.
Threads are daemons: an impatient second Ctrl-C ends the process at once, and the
journal tells the next run what was left.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future
from concurrent.futures import wait as wait_for
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import psycopg

from ops.db import Budget, Connection, Database
from ops.errors import OpsError

_T = TypeVar("_T")
_I = TypeVar("_I")


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks where, at what cost."""

    database: Database
    user: str
    budget: Budget


class StoppedError(OpsError):
    """The drill is being given up; unwinds its threads and is shown to nobody."""

    def __init__(self) -> None:
        super().__init__("The drill was stopped.")


POLL_S = 0.25  # how often whoever waits looks whether the drill may go on


class Crew:
    """Runs work in threads, and stops it: no new cloud call, no query left running.

    Args:
        check: called while anything is waited for and before every step; what it raises ends
            the work, as a time limit does.
        application: the name that the server shows of its sessions.
    """

    def __init__(
        self, check: Callable[[], None] = lambda: None, application: str = "ai-square-db"
    ) -> None:
        self._check, self._application = check, application
        self._parts: list[Crew] = []
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[Connection] = set()
        self._jobs: list[Future[object]] = []
        self._failure: Future[object] = Future()

    def part(self) -> "Crew":
        """Return a crew of its own, which is stopped with this one and may fail without it."""
        part = Crew(self.check, self._application)
        with self._lock:
            self._parts.append(part)
        return part

    def start(self, name: str, work: Callable[[], _T]) -> "Future[_T]":
        """Start a thread that does the work."""
        job: Future[_T] = Future()

        def run() -> None:
            try:
                job.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
                with self._lock:
                    if not self._failure.done():
                        self._failure.set_exception(error)
                job.set_exception(error)

        with self._lock:
            self._jobs.append(job)  # type: ignore[arg-type]  # Future is invariant; we only wait
        threading.Thread(target=run, name=name, daemon=True).start()
        return job

    def wait(
        self, jobs: "Sequence[Future[_T]]", each: Callable[[], None] | None = None
    ) -> tuple[_T, ...]:
        """Wait until all are done; return their results.

        Args:
            jobs: what to wait for.
            each: called when one is done.

        Raises:
            BaseException: the first error of any thread of the crew, as soon as there is one.
        """
        pending: set[Future[object]] = set(jobs)  # type: ignore[arg-type]  # as above
        while pending:
            done, _ = wait_for(
                {*pending, self._failure}, timeout=POLL_S, return_when=FIRST_COMPLETED
            )
            if self._failure in done:
                self._failure.result()
            if self._stopped.is_set():
                raise StoppedError
            self._check()
            for job in done:
                job.result()
                if each is not None:
                    each()
            pending -= done
        return tuple(job.result() for job in jobs)

    def check(self) -> None:
        """Raise StoppedError once the drill is given up or failed: called before every step."""
        if self._stopped.is_set() or self._failure.done():
            raise StoppedError
        self._check()

    @property
    def failure(self) -> BaseException | None:
        """Return the first error of any thread, if there was one."""
        return self._failure.exception() if self._failure.done() else None

    def stop(self) -> None:
        """Give the drill up: cancel every query, and wait until every thread has ended."""
        wait_for(self._give_up())

    def _give_up(self) -> "list[Future[object]]":
        """Cancel every query, those of the parts too; return the threads' jobs."""
        self._stopped.set()
        with self._lock:
            connections, jobs = tuple(self._connections), list(self._jobs)
            parts = tuple(self._parts)
        for connection in connections:
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=2)
        for part in parts:
            jobs += part._give_up()  # noqa: SLF001 - another crew like this
        return jobs

    @contextmanager
    def connect(self, login: Login) -> Iterator[Connection]:
        """Open a connection whose queries end when the drill is given up."""
        self.check()
        with login.database.connect(
            login.user, budget=login.budget, name=self._application
        ) as connection:
            with self._lock:
                self._connections.add(connection)
            try:
                self.check()  # given up while we were connecting: nobody would cancel the query
                yield connection
            finally:
                with self._lock:
                    self._connections.discard(connection)

    def share(
        self,
        name: str,
        items: Sequence[_I],
        lanes: int,
        work: Callable[[Iterator[_I]], Sequence[_T]],
    ) -> tuple[_T, ...]:
        """Let several threads take items from one list, in its order; return all results.

        Args:
            name: of the threads.
            items: what there is to do, the largest first.
            lanes: how many threads.
            work: takes items until there are none, over a connection of its own.
        """
        rest, lock = iter(items), threading.Lock()

        def take() -> Iterator[_I]:
            while True:
                self.check()
                with lock:
                    item = next(rest, None)
                if item is None:
                    return
                yield item

        used = max(1, min(lanes, len(items)))
        jobs = [self.start(f"{name}-{lane}", lambda: work(take())) for lane in range(used)]
        return tuple(result for results in self.wait(jobs) for result in results)
