"""Checks that a copy can answer by itself: is it whole, is it usable, is it sound?

They need no baseline, so the restored backup, which is older than the source is now,
gets them too.
"""

from datetime import datetime

from ops import sql
from ops.checks.crew import Crew
from ops.checks.result import CheckResult, Finding, Level, ObjectId, State
from ops.db import DIAGNOSTIC, Connection, statement
from ops.restore.source import Source


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
    missing = [_broken(version, "lost") for version in expected if version not in have]
    query = statement(sql.load("restore/migration_unfinished"))
    rows = connection.execute(query).fetchall() if have else ()
    findings = (*missing, *(_broken(row[0], "begun, not finished") for row in rows))
    head = f"the head is {have[-1]}" if have else "none was applied by then"
    if findings:
        words = f"{len(findings)} migrations are not whole; {head}"
        return CheckResult("migrations", State.FINDING, len(have), len(expected), words, findings)
    return CheckResult("migrations", State.OK, len(have), len(have), f"{len(have)} applied; {head}")


def _broken(version: str, message: str) -> Finding:
    return Finding(ObjectId("migration", version), Level.FINDING, message)


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
