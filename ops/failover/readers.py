"""Clients that read from the replicas without a pause while their primary fails over."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import psycopg

from ops import sql
from ops.db import DIAGNOSTIC, Connection, statement
from ops.errors import OpsError
from ops.failover.seen import Log
from ops.failover.source import Source
from ops.failover.standing import Replica
from ops.failover.writers import NAME, SILENCE_S

EVERY_S = 0.05  # between two reads of one replica


@contextmanager
def reading(source: Source, replicas: Sequence[Replica], drill: str) -> Iterator[tuple[Log, ...]]:
    """Read from every replica for the block; return a log of each, whose reads are "acknowledged".

    Args:
        source: whose replicas these are.
        replicas: where to read.
        drill: whose writes are looked for.
    """
    stop = threading.Event()
    readers = [_Reader(source, replica, drill, stop) for replica in replicas]
    threads = [
        threading.Thread(target=reader.run, name=f"reader-{reader.log.name}", daemon=True)
        for reader in readers
    ]
    for thread in threads:
        thread.start()
    try:
        yield tuple(reader.log for reader in readers)
    finally:
        stop.set()
        for thread in threads:
            thread.join(SILENCE_S)


class _Reader:
    def __init__(self, source: Source, replica: Replica, drill: str, stop: threading.Event) -> None:
        self.log = Log(replica.name, pooled=False)
        self._source, self._replica, self._drill, self._stop = source, replica, drill, stop
        self._query = statement(sql.load("failover/read"))

    def run(self) -> None:
        """Read until told to stop, over a new connection whenever one was lost."""
        while not self._stop.is_set():
            with suppress(OpsError), ExitStack() as opened:
                try:
                    connection = opened.enter_context(
                        self._replica.database.connect(
                            self._source.owner, budget=DIAGNOSTIC, name=NAME, silence_s=SILENCE_S
                        )
                    )
                    self._read(connection)
                except (OpsError, psycopg.Error) as error:
                    self.log.fail(error, sent=False)
            self._stop.wait(EVERY_S)

    def _read(self, connection: Connection) -> None:
        while not self._stop.wait(EVERY_S):
            connection.execute(self._query, {"drill": self._drill})
            self.log.acknowledge(written=True)
