"""Asks a copy everything, cheap questions first; a question that fails is an outcome too."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import psycopg

from ops.checks import trouble
from ops.checks.ask import Asking
from ops.checks.crew import Crew, Login
from ops.checks.limit import Limit
from ops.checks.reading import READ
from ops.checks.result import CheckResult, State
from ops.db import VERIFY, CannotConnectError, Database
from ops.restore.copies import Kind, Made
from ops.restore.proof import alike, checks, objects
from ops.restore.proof.baseline import Baseline
from ops.restore.proof.copychecks import STEPS as COPY_STEPS
from ops.restore.proof.copychecks import CopyChecks
from ops.restore.source import Source

_NOT_RESTORED = {
    Kind.BACKUP: "Restore another run with --backup. Where that works this one can't be relied on: "
    "take a new one with `invoke backup.create`.",
    Kind.CLONE: "Where WAL is missing, the source's archive has a gap: take a backup with `invoke "
    "backup.create`, for times after it need no older WAL, and see whether archiving works.",
}
STEPS = {Kind.BACKUP: COPY_STEPS + 2, Kind.CLONE: COPY_STEPS + 6}  # how often ``advance`` is called


@dataclass(frozen=True, slots=True)
class Verified:
    """What the checks of one copy found.

    Attributes:
        made: the copy.
        checks: their results.
        seconds: how long they took.
        newest: when the newest recovered heartbeat was written, where it was looked for.
    """

    made: Made
    checks: tuple[CheckResult, ...]
    seconds: float = 0.0
    newest: datetime | None = None


def backup(
    crew: Crew,
    source: Source,
    copy: Made,
    results: list[CheckResult],
    advance: Callable[[], None],
    *,
    budget_s: float | None = None,
) -> Verified:
    """Verify a restored backup: by itself, for the source has moved on since.

    Args:
        crew: to connect with.
        source: whose backup it is.
        copy: the copy.
        results: takes every result as it comes out, for a drill that is cut short.
        advance: called once a step.
        budget_s: how long it may take, in seconds; what is not got to is unknown.
    """
    if copy.database is None or copy.failure:
        return _not_restored(copy, results)
    asking = _asking(crew, source, copy.database, results, advance, budget_s)
    listed = CopyChecks(asking, source, source.app)
    run = copy.plan.backup
    at = None if run is None else run.started or run.ended
    began = None if at is None else source.database_time(at)
    since = time.monotonic()
    results.append(_restored(copy))
    listed.connect()
    try:
        with crew.connect(asking.login) as connection:
            asking.note(
                "heartbeat", lambda: checks.backup_heartbeat(crew, source, connection, began)
            )
            asking.note(objects.CHECK, lambda: objects.check(crew, source, connection))
            listed.cheap(connection, began)
            listed.thorough(connection)
    except CannotConnectError as error:
        results.append(trouble.of(error).result("connect"))
    return Verified(copy, tuple(results), time.monotonic() - since)


def clone(
    crew: Crew,
    source: Source,
    copy: Made,
    baseline: "Future[Baseline]",
    results: list[CheckResult],
    advance: Callable[[], None],
    *,
    budget_s: float | None = None,
) -> Verified:
    """Verify a clone: it must be what the source was at the marker; see ``backup``.

    The time that it waits for the baseline is not counted.
    """
    if copy.database is None or copy.failure:
        return _not_restored(copy, results)
    expected = baseline.result()
    asking = _asking(crew, source, copy.database, results, advance, budget_s)
    listed = CopyChecks(asking, source, source.app)
    since = time.monotonic()
    results.append(_restored(copy))
    listed.connect()
    newest: datetime | None = None
    try:
        with crew.connect(asking.login) as connection:
            unseen = alike.unseen(connection, expected.marker)
            with suppress(psycopg.Error):
                newest = alike.newest(connection)
            asking.note("heartbeat", lambda: alike.heartbeats(connection, expected.marker))
            made_alike = alike.objects(asking, connection, expected)
            results.extend(alike.doubted(result, unseen) for result in made_alike)
            listed.cheap(connection, expected.marker.point_in_time)
            results[:] = alike.reached(results)
            filled_alike = alike.content_of(asking, expected)
            results.extend(alike.doubted(result, unseen) for result in filled_alike)
            listed.thorough(connection)
    except CannotConnectError as error:
        results.append(trouble.of(error).result("connect"))
    return Verified(copy, tuple(results), time.monotonic() - since, newest)


def _asking(
    crew: Crew,
    source: Source,
    copy: Database,
    results: list[CheckResult],
    advance: Callable[[], None],
    budget_s: float | None,
) -> Asking:
    return Asking(
        crew,
        Login(copy, source.owner, VERIFY),
        source.login(READ),
        Limit.after(budget_s),
        advance,
        results,
    )


def _restored(copy: Made) -> CheckResult:
    words = f"{copy.plan.name} answers"
    return CheckResult("restored", State.OK, 1, 1, words)


def _not_restored(copy: Made, results: list[CheckResult]) -> Verified:
    remedy = _NOT_RESTORED[copy.plan.kind]
    result = CheckResult("restored", State.FINDING, 1, 1, copy.failure, remedy=remedy)
    results.append(result)
    return Verified(copy, tuple(results))
