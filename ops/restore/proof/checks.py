"""Checks that a copy can answer by itself: is it whole, is it usable, is it sound?

They need no baseline, so the restored backup, which is older than the source is now,
gets them too.
"""

from dataclasses import dataclass
from datetime import datetime

from ops import sql
from ops.db import DIAGNOSTIC, Connection, statement
from ops.restore.crew import Crew, Login
from ops.restore.source import Source
from ops.results import CheckResult, State


@dataclass(frozen=True, slots=True)
class Key:
    """One column of a foreign key and the one it refers to; Jinja reads it."""

    column: str
    refers_to: str


def application(crew: Crew, login: Login) -> CheckResult:
    """Connect as the application, and read the first row of everything it may read."""
    with crew.connect(login) as connection:
        found = connection.execute(statement(sql.load("restore/application_tables"))).fetchall()
        for (table,) in found:
            connection.execute(statement(sql.render("restore/first_row", {"table": table})))
    if not found:
        words = f"{login.user} connects; no table is granted to it, none was read"
        remedy = (
            f"If it should read: GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login.user}, "
            "by a migration."
        )
        return CheckResult("application", State.OK, 1, 1, words, remedy=remedy)
    words = f"{login.user} connects and reads from all {len(found)} tables granted to it"
    return CheckResult("application", State.OK, len(found) + 1, len(found) + 1, words)


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


def orphans(connection: Connection) -> CheckResult:
    """Look for rows whose foreign key leads nowhere, in every foreign key that is validated.

    After a restore a constraint that is marked as validated may hold such rows all the same.
    """
    keys = connection.execute(statement(sql.load("restore/foreign_keys"))).fetchall()
    lines, rows = [], 0
    for name, table, referenced, columns, refers_to in keys:
        pairs = [Key(*pair) for pair in zip(columns, refers_to, strict=True)]
        structure = {"table": table, "referenced": referenced, "keys": pairs}
        query = statement(sql.render("restore/orphans", structure))
        row = connection.execute(query).fetchone()
        total, lost = row or (0, 0)
        rows += total
        if lost:
            lines.append(f"{'.'.join(table)} {name}: {lost} of {total} rows")
    facts = {"rows": rows}
    if lines:
        words = f"{len(lines)} of {len(keys)} foreign keys have rows that lead nowhere"
        return CheckResult(
            "orphans", State.FINDING, len(keys), len(keys), words, tuple(lines), facts
        )
    if not keys:
        return CheckResult("orphans", State.NOT_APPLICABLE, 0, 0, "there are no foreign keys")
    words = f"{rows} rows of {len(keys)} foreign keys lead somewhere"
    return CheckResult("orphans", State.OK, len(keys), len(keys), words, evidence=facts)


def sequence_reach(connection: Connection) -> CheckResult:
    """Compare every sequence with the farthest value of the column that it feeds."""
    fed = connection.execute(statement(sql.load("restore/fed_columns"))).fetchall()
    lines, unknown = [], []
    for name, schema, table, column, last, readable, increment in fed:
        if not readable:
            unknown.append(f"{name}: may not be read: grant USAGE")
            continue
        structure = {"table": (schema, table), "column": [column], "ascending": increment > 0}
        row = connection.execute(
            statement(sql.render("restore/column_reach", structure))
        ).fetchone()
        farthest = row[0] if row else None
        direction = 1 if increment > 0 else -1
        if farthest is not None and (last is None or (last - farthest) * direction < 0):
            lines.append(f"{name}: is at {last or 'its start'}; {table}.{column} has {farthest}")
    total, known = len(fed), len(fed) - len(unknown)
    if lines:
        words = f"{len(lines)} of {total} sequences would hand out values that are taken"
        return CheckResult("sequence_reach", State.FINDING, known, total, words, tuple(lines))
    if unknown:
        words = f"{len(unknown)} of {total} sequences may not be read"
        return CheckResult("sequence_reach", State.UNKNOWN, known, total, words, tuple(unknown))
    if not fed:
        return CheckResult(
            "sequence_reach", State.NOT_APPLICABLE, 0, 0, "no sequence feeds a column"
        )
    words = f"{total} sequences are at or past their columns"
    return CheckResult("sequence_reach", State.OK, total, total, words)


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
