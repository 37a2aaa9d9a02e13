"""Clients that write without a pause while the instance fails over, and know what was promised.

Every write has a key of its own (drill, writer, number) and is tried again until it is
acknowledged. One whose connection was lost may have come in: the try that follows meets its
own key then, and writes nothing.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg

from ops import sql
from ops.db import Budget, Connection, statement
from ops.errors import OpsError
from ops.failover.application import AS_ITSELF, Writer
from ops.failover.seen import Log
from ops.failover.source import Source

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

# A commit waits for the standby: where it dies, Cloud SQL decides for how long. It must not be
# cancelled by us, so the limit is far away.
WRITE = Budget(statement_s=60.0, lock_s=5.0, read_only=False)
SILENCE_S = 5  # a connection whose server says nothing for so long is given up
RETRY_S = 0.02  # between a failed write and the next try
NAME = "failover-drill"
WITHOUT_POOL = "one without a pool"


@dataclass(slots=True)
class Writers:
    """The clients of one failover.

    Attributes:
        logs: a log a client; the last one's has no pool.
        connected: when each connection of the pool was made.
    """

    drill: str
    every_s: float
    logs: tuple[Log, ...]
    connected: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def acknowledged(self) -> int:
        """Return how many writes were acknowledged so far."""
        return sum(len(log.acknowledged) for log in self.logs)

    @property
    def failed(self) -> int:
        """Return how many tries failed so far."""
        return sum(len(log.failed) for log in self.logs)

    def all_wrote_since(self, moment: float) -> bool:
        """Tell whether every client had a write acknowledged after a moment."""
        return all(log.acknowledged and log.acknowledged[-1] > moment for log in self.logs)

    def loop(self, writer: int, send: Callable[[dict[str, object], Log], None]) -> None:
        """Write one number after the other until told to stop."""
        log = self.logs[writer]
        # begun one after the other, so that some client writes at any time
        due = time.monotonic() + self.every_s * writer / len(self.logs)
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            before = len(log.acknowledged)
            send({"drill": self.drill, "writer": writer, "number": before}, log)
            if len(log.acknowledged) == before:
                due = time.monotonic() + RETRY_S
            else:
                due = max(due + self.every_s, time.monotonic())

    def stop(self) -> None:
        """Let every client end after its write."""
        self._stop.set()


@contextmanager
def writing(source: Source, drill: str, clients: int, rate: float) -> Iterator[Writers]:
    """Write from several clients of one pool, and from one without, for the block.

    Args:
        source: where to.
        drill: whose writes these are.
        clients: how many use the pool.
        rate: writes a second, of all of them together.
    """
    logs = tuple(Log(f"pool {number + 1}", pooled=True) for number in range(clients))
    writers = Writers(drill, (clients + 1) / rate, (*logs, Log(WITHOUT_POOL, pooled=False)))
    writer = source.writer or Writer(source.owner, source.owner)

    def connected(connection: Connection) -> None:
        writer.begin(connection)
        writers.connected.append(time.monotonic())

    with ExitStack() as ending:
        pool = ending.enter_context(
            source.database.pooled(
                writer.user,
                budget=_budget(source, writer),
                pool=source.pool,
                least=clients,
                name=NAME,
                silence_s=SILENCE_S,
                connected=connected,
            )
        )
        direct = _Direct(source, writer)
        sends = [_through(pool)] * clients + [direct]
        threads = [
            threading.Thread(
                target=writers.loop, args=(number, send), name=f"writer-{number}", daemon=True
            )
            for number, send in enumerate(sends)
        ]
        for thread in threads:
            thread.start()
        try:
            yield writers
        finally:
            writers.stop()
            ending.close()  # whoever waits for a connection of the pool is told that it closed
            for thread in threads:
                thread.join(SILENCE_S)
            direct.close()


def _budget(source: Source, writer: Writer) -> Budget:
    return WRITE if writer.user == source.owner else AS_ITSELF


def _through(pool: "ConnectionPool[Connection]") -> Callable[[dict[str, object], Log], None]:
    from psycopg_pool import PoolClosed, PoolTimeout

    query = statement(sql.load("failover/write"))

    def send(write: dict[str, object], log: Log) -> None:
        sent = False
        try:
            with pool.connection() as connection:
                sent = True
                written = connection.execute(query, write).rowcount == 1
        except PoolClosed:
            return
        except (PoolTimeout, psycopg.Error) as error:
            log.fail(error, sent=sent)
        else:
            log.acknowledge(written=written)

    return send


class _Direct:
    """Keeps one connection, and makes another as soon as it is lost: sees the instance alone."""

    def __init__(self, source: Source, writer: Writer) -> None:
        self._source, self._writer = source, writer
        self._query = statement(sql.load("failover/write"))
        self._open = ExitStack()
        self._connection: Connection | None = None

    def __call__(self, write: dict[str, object], log: Log) -> None:
        sent = False
        try:
            if self._connection is None:
                self._connection = self._open.enter_context(
                    self._source.database.connect(
                        self._writer.user,
                        budget=_budget(self._source, self._writer),
                        name=NAME,
                        silence_s=SILENCE_S,
                    )
                )
                self._writer.begin(self._connection)
            sent = True
            written = self._connection.execute(self._query, write).rowcount == 1
        except (psycopg.Error, OpsError) as error:
            log.fail(error, sent=sent)
            self.close()
        else:
            log.acknowledge(written=written)

    def close(self) -> None:
        """Give the connection up."""
        self._connection = None
        with suppress(OpsError):  # it was lost already
            self._open.close()
