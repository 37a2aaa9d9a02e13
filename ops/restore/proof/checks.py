"""Checks that a copy can answer by itself: is it whole, is it usable, is it sound?

They need no baseline, so the restored backup, which is older than the source is now,
gets them too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg

from ops import sql
from ops.checks import limit as limits
from ops.checks import trouble
from ops.checks.crew import Crew, Login
from ops.checks.limit import Limit
from ops.checks.outcomes import FINE, Outcome, Words, of_trouble, result
from ops.checks.reading import batches, together
from ops.db import DIAGNOSTIC, Connection, statement
from ops.errors import OpsError
from ops.restore.source import Source
from ops.results import CheckResult, State


@dataclass(frozen=True, slots=True)
class Granted:
    """A table that the application may read; Jinja reads it."""

    name: tuple[str, ...]
    plain: bool

    @property
    def label(self) -> str:
        """Return its name for people."""
        return ".".join(self.name)


def application(
    crew: Crew, login: Login, original: Login | None = None, limit: Limit = limits.NONE
) -> CheckResult:
    """Connect as the application, and read the first row of everything it may read.

    Args:
        crew: to connect with.
        login: the application's, on the copy.
        original: the application's, on the source: what can't be read there either is no loss.
        limit: tables that are not got to by then are told.
    """
    found: dict[str, Outcome] = {}
    with crew.connect(login) as connection:
        rows = connection.execute(statement(sql.load("checks/application_tables")))
        tables = [Granted(tuple(name), plain) for name, plain in rows]
        with connection.transaction():
            connection.execute("SET LOCAL jit = off")  # as in reading.sql
            for batch in batches(tables, lambda one: one.plain):
                found.update(_first_rows(connection, batch, limit))
    failed = [one for one in tables if found.get(one.label, FINE) is not FINE]
    alike = _fail_on_source(crew, original, failed) if original and failed else frozenset()
    for label in alike:
        found[label] = Outcome(State.OK, "can't be read on the source either")
    if not tables:
        words = f"{login.user} connects; no table is granted to it, none was read"
        remedy = (
            f"If it should read: GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login.user}, "
            "by a migration."
        )
        return CheckResult("application", State.OK, 1, 1, words, remedy=remedy)
    read = len(tables) - len(alike)
    told = Words(
        ok=f"{login.user} connects and reads from all {read} tables granted to it",
        wrong=f"tables can't be read by {login.user}",
        unknown=f"tables could not be read by {login.user}",
    )
    checked = result("application", found, told, late=len(tables) - len(found))
    # the connection is one more thing that was looked at
    return replace(checked, examined=checked.examined + 1, total=checked.total + 1)


def _first_rows(
    connection: Connection, batch: Sequence[Granted], limit: Limit
) -> Mapping[str, Outcome]:
    def ask(tables: Sequence[Granted]) -> Sequence[tuple[str, Outcome]]:
        if limit.passed:
            return []
        limit.hold(connection)
        connection.execute(statement(sql.render("checks/first_row", {"tables": tables})))
        return [(one.label, FINE) for one in tables]

    def failed(one: Granted, error: psycopg.Error) -> tuple[str, Outcome]:
        return one.label, of_trouble(limit.trouble(trouble.of(error)))

    return dict(together(connection, batch, ask, failed))


def _fail_on_source(crew: Crew, original: Login, tables: Sequence[Granted]) -> frozenset[str]:
    try:
        with crew.connect(original) as connection, connection.transaction():
            found = [_first_rows(connection, (one,), limits.NONE) for one in tables]
    except OpsError:
        crew.check()
        return frozenset()
    return frozenset(
        label for one in found for label, out in one.items() if out.state is State.FINDING
    )


def migrations(
    crew: Crew, source: Source, connection: Connection, until: datetime | None
) -> CheckResult:
    """Compare the copy's migrations with those that the source had by then, and find halves.

    Args:
        crew: to connect with.
        source: the source; migrations taken back since don't count against the copy.
        connection: to the copy.
        until: the copy's age: when its backup began, or the marker.
    """
    with crew.connect(source.login(DIAGNOSTIC)) as original:
        if not _has_ledger(original):
            words = "the source has no ledger of migrations"
            return CheckResult("migrations", State.NOT_APPLICABLE, 0, 0, words)
        expected = _versions(original, until)
    if expected and not _has_ledger(connection):
        words = f"the ledger is lost; the source had {len(expected)} migrations by then"
        return CheckResult("migrations", State.FINDING, 0, len(expected), words)
    have = _versions(connection, None) if expected else ()
    missing = tuple(f"{version}: lost" for version in expected if version not in have)
    query = statement(sql.load("restore/migration_unfinished"))
    halves = [f"{row[0]}: begun, not finished" for row in connection.execute(query)] if have else []
    lines = (*missing, *halves)
    head = f"the head is {have[-1]}" if have else "none was applied by then"
    if lines:
        words = f"{len(lines)} migrations are not whole; {head}"
        return CheckResult("migrations", State.FINDING, len(have), len(expected), words, lines)
    return CheckResult("migrations", State.OK, len(have), len(have), f"{len(have)} applied; {head}")


def _has_ledger(connection: Connection) -> bool:
    row = connection.execute(statement(sql.load("restore/migration_ledger"))).fetchone()
    return bool(row and row[0])


def _versions(connection: Connection, until: datetime | None) -> tuple[str, ...]:
    query = statement(sql.load("restore/migration_head"))
    return tuple(row[0] for row in connection.execute(query, {"until": until}))


def backup_heartbeat(
    crew: Crew, source: Source, connection: Connection, began: datetime | None
) -> CheckResult:
    """Look for the newest heartbeat that the source had when the backup began."""
    query = statement(sql.load("restore/heartbeat_newest"))
    with crew.connect(source.login(DIAGNOSTIC)) as original:
        expected = original.execute(query, {"until": began}).fetchone()
    if expected is None:
        words = "no heartbeat is older than the backup: its age can't be told by one"
        return CheckResult("heartbeat", State.NOT_APPLICABLE, 0, 0, words)
    newest = connection.execute(query, {"until": None}).fetchone()
    words = f"heartbeat {expected[0]} of {expected[1]:%Y-%m-%d %H:%M:%S} UTC"
    if newest is None or newest[0] < expected[0]:
        remedy = "The backup is older than it says, or lost what was written last. Take another."
        return CheckResult("heartbeat", State.FINDING, 1, 1, f"{words} is lost", remedy=remedy)
    return CheckResult("heartbeat", State.OK, 1, 1, f"{words} is there")
