"""Faults on purpose: spoils the clone, or the archive it comes from, and the drill must go red.

A drill that was never seen red proves nothing. The SQL faults work as the owner on any
copy; the others need the files or the superuser of a local Cloud SQL.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from ops import guard, sql
from ops.db import CHANGE, Connection, Database, LibpqPasswords, statement
from ops.errors import BadInputError, OpsError
from ops.journal import Journal
from ops.localcloud import LocalInstance
from ops.restore import cleanup
from ops.restore.copies import Made
from ops.restore.crew import Crew, Login
from ops.restore.source import Source

SUPERUSER = "cloudsqladmin"  # only the local Cloud SQL lets us in as it, over the socket
ARCHIVE_LIMIT_S = 30.0  # a switched segment is archived within a second
_POLL_S = 0.05


class UnknownFaultError(BadInputError):
    """``--inject`` names no fault."""

    def __init__(self, given: str) -> None:
        super().__init__(f"There is no fault {given!r}. Use one of: {', '.join(FAULTS)}.")


class LocalFaultError(BadInputError):
    """A fault that needs a cluster's files was asked for on a cloud stack."""

    def __init__(self, name: str, stack: str) -> None:
        there = ", ".join(fault.name for fault in FAULTS.values() if not fault.local)
        super().__init__(
            f"Fault {name} works on the local Cloud SQL only, and stack {stack} is not there. "
            f"Use `-s local`, or one of: {there}."
        )


class NothingToSpoilError(OpsError):
    """The copy has nothing of the kind that the fault spoils."""

    def __init__(self, fault: str, what: str) -> None:
        super().__init__(f"Fault {fault} finds no {what}. Fill the database, or choose another.")


class NotArchivedError(OpsError):
    """The source's archive does not get its WAL."""

    def __init__(self, segment: str) -> None:
        super().__init__(
            f"WAL segment {segment} was not archived within {ARCHIVE_LIMIT_S:.0f} s. "
            "Look at the source's log: its archive may be full."
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        name: as ``--inject`` takes it.
        what: what is spoiled.
        local: whether it works on the local Cloud SQL only.
        archive: spoils the source's archive before the marker, if it does.
        copy: spoils the clone before it is verified, if it does.
    """

    name: str
    what: str
    local: bool
    archive: Callable[[Source, Journal], None] | None = None
    copy: Callable[[Crew, Source, Made], None] | None = None


def named(name: str, source: Source) -> Fault | None:
    """Return the fault of a name, None for an empty one.

    Raises:
        UnknownFaultError: there is none; the message lists them.
        LocalFaultError: it does not work on this stack.
    """
    if not name:
        return None
    fault = FAULTS.get(name)
    if fault is None:
        raise UnknownFaultError(name)
    if fault.local and source.server is None:
        raise LocalFaultError(name, source.stack)
    return fault


@contextmanager
def _as_owner(crew: Crew, source: Source, made: Made) -> Iterator[Connection]:
    assert made.database is not None  # noqa: S101 - only a copy that answers is spoiled
    guard.differ(source.instance, made.plan.name)
    guard.differ(source.database.host, made.database.host)
    with crew.connect(Login(made.database, source.owner, CHANGE)) as connection:
        yield connection


def _altered_row(crew: Crew, source: Source, made: Made) -> None:
    with _as_owner(crew, source, made) as connection:
        for schema, table, column, category in connection.execute(
            statement(sql.load("restore/inject_columns"))
        ).fetchall():
            structure = {"table": (schema, table), "column": [column], "category": category}
            query = statement(sql.render("restore/inject_altered_row", structure))
            try:
                if connection.execute(query).rowcount:
                    return
            except psycopg.Error:
                continue  # a constraint objects: the next column
    raise NothingToSpoilError("altered-row", "row that could be changed")


def _lost_table(crew: Crew, source: Source, made: Made) -> None:
    with _as_owner(crew, source, made) as connection:
        found = connection.execute(statement(sql.load("restore/inject_tables"))).fetchone()
        if found is None:
            raise NothingToSpoilError("lost-table", "table with rows")
        connection.execute(statement(sql.render("restore/inject_lost_table", {"table": found})))


def _lagging_sequence(crew: Crew, source: Source, made: Made) -> None:
    with _as_owner(crew, source, made) as connection:
        query = statement(sql.load("restore/inject_lagging_sequence"))
        if connection.execute(query).fetchone() is None:
            raise NothingToSpoilError("lagging-sequence", "sequence that has moved")


def _broken_index(crew: Crew, source: Source, made: Made) -> None:
    local = source.local(made.plan.name)
    if local is None or made.database is None:
        raise NothingToSpoilError("broken-index", "cluster of the copy")
    guard.differ(source.instance, local.name)
    login = Login(_as_peer(local, made.database.name), SUPERUSER, CHANGE)
    with crew.connect(login) as connection, connection.transaction():
        found = connection.execute(statement(sql.load("restore/inject_indexes"))).fetchone()
        if found is None:
            raise NothingToSpoilError("broken-index", "B-tree index of a table with rows")
        index, _, schema, table, columns = found
        connection.execute("SET LOCAL session_replication_role = replica")  # no triggers
        ready = statement(sql.load("restore/inject_index_ready"))
        connection.execute(ready, {"index": index, "ready": False})
        structure = {"table": (schema, table), "columns": columns}
        connection.execute(statement(sql.render("restore/inject_rewrite_row", structure)))
        connection.execute(ready, {"index": index, "ready": True})


def _missing_wal(source: Source, journal: Journal) -> None:
    local = source.local(source.instance)
    if local is None:
        raise NothingToSpoilError("missing-wal", "archive of the source")
    database = _as_peer(local, source.database.name)
    with database.connect(SUPERUSER, budget=CHANGE, name="restore-drill") as connection:
        connection.execute(statement(sql.load("restore/inject_wal_message")))
        row = connection.execute(statement(sql.load("restore/inject_wal_switch"))).fetchone()
    segment = local.archive / str(row[0] if row else "")
    deadline = time.monotonic() + ARCHIVE_LIMIT_S
    while not segment.is_file():
        if time.monotonic() > deadline:
            raise NotArchivedError(segment.name)
        time.sleep(_POLL_S)
    cleanup.hide(journal, segment)


def _as_peer(local: LocalInstance, database: str) -> Database:
    return Database(str(local.socket), local.port, database, LibpqPasswords())


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("altered-row", "one value of one row", local=False, copy=_altered_row),
        Fault("lost-table", "the smallest table", local=False, copy=_lost_table),
        Fault("lagging-sequence", "a sequence, at its start", local=False, copy=_lagging_sequence),
        Fault("broken-index", "an index that lacks a row", local=True, copy=_broken_index),
        Fault("missing-wal", "a segment of the archive", local=True, archive=_missing_wal),
    )
}
