"""The rehearsal source: a clone of the stack's instance, with one of everything to spoil.

The stack's own instance is only cloned, once. Schema, roles, workload and spoiled archive are
those of the rehearsal, which is deleted at the end whatever happens.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from ops import sql
from ops.checks.crew import Crew
from ops.db import CHANGE, statement
from ops.errors import OpsError
from ops.journal import Journal
from ops.restore import copies
from ops.restore.copies import CopyPlan, Kind
from ops.restore.proof.marker import WRITE
from ops.restore.source import Source

PAUSE_S = 0.005  # between two transactions of a client: the machine has copies to make too
_HOT_ROW = 100  # clients change rows from here on, at the beginning of the table


class NoRehearsalError(OpsError):
    """The stack's instance could not be cloned."""

    def __init__(self, instance: str, reason: str) -> None:
        super().__init__(
            f"{instance} can't be cloned for the self-test: {reason} Run `invoke restore-drill`, "
            "which says more."
        )


def make(crew: Crew, source: Source, journal: Journal, name: str) -> Source:
    """Clone the stack's instance as it is now, and put one of everything into the clone.

    Its newest base backup is taken afterwards, so that the faults of backups find it there.

    Raises:
        NoRehearsalError: it can't be cloned.
    """
    moment = _now(crew, source)
    copy = copies.clone(crew, source, journal, CopyPlan(Kind.CLONE, name), moment)
    if copy.database is None or copy.failure:
        raise NoRehearsalError(source.instance, copy.failure)
    rehearsal = replace(source, instance=name, database=copy.database)
    names = {"owner": source.owner}
    with rehearsal.database.connect(source.owner, budget=CHANGE, name="restore-drill") as session:
        session.execute(statement(sql.render("restore/selftest_schema", names)))
        beat = statement(sql.load("restore/heartbeat_write"))
        session.execute(beat, {"drill": name, "label": "rehearsal"})  # the backup is told by it
    crew.check()
    source.cloud.wait(source.cloud.create_backup(name, "of a self-test"))
    return rehearsal


def _now(crew: Crew, source: Source) -> datetime:
    """Return the source's time, passed by the time that this returns."""
    with crew.connect(source.login(WRITE)) as connection:
        row = connection.execute(statement(sql.load("restore/moment"))).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM
    moment: datetime = row[0]
    time.sleep(max(0.0, row[1]) + 0.001)
    return moment


class Workload:
    """Clients that write to the rehearsal source, each over its own connection.

    Args:
        rehearsal: what they write to.
        clients: how many there are.
    """

    def __init__(self, rehearsal: Source, clients: int) -> None:
        self.clients = clients
        self._rehearsal, self._ended = rehearsal, threading.Event()
        self._written = [0] * clients

    @property
    def transactions(self) -> int:
        """Return how many transactions were committed so far."""
        return sum(self._written)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the clients write for the block."""
        writers = [
            threading.Thread(target=self._write, args=(client,), daemon=True)
            for client in range(self.clients)
        ]
        for writer in writers:
            writer.start()
        try:
            yield
        finally:
            self._ended.set()
            for writer in writers:
                writer.join()

    def _write(self, client: int) -> None:
        source, query = self._rehearsal, statement(sql.load("restore/selftest_write"))
        while not self._ended.is_set():
            try:
                with source.database.connect(
                    source.owner, budget=WRITE, name="restore-drill-workload"
                ) as connection:
                    while not self._ended.wait(PAUSE_S):
                        connection.execute(query, {"client": _HOT_ROW + client})
                        self._written[client] += 1
            except OpsError:  # it is gone for a moment, or for good: the report says how much
                self._ended.wait(1)
