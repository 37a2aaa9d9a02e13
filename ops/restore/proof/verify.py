"""Asks a copy everything, cheap questions first; a question that fails is an outcome too."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg

from ops import sql
from ops.db import CHANGE, VERIFY, CannotConnectError, Connection, Database, statement
from ops.errors import OpsError
from ops.restore.copies import Kind, Made
from ops.restore.crew import Crew, Login, StoppedError
from ops.restore.proof import amcheck, checks, compare, content, questions, sequences, trouble
from ops.restore.proof.baseline import READ, Baseline, prove
from ops.restore.proof.content import Content
from ops.restore.proof.marker import Marker
from ops.restore.proof.trouble import Trouble
from ops.restore.source import Source
from ops.results import CheckResult, State

_NOT_RESTORED = {
    Kind.BACKUP: "Restore another run with --backup. Where that works this one can't be relied on: "
    "take a new one with `invoke backup.create`.",
    Kind.CLONE: "Where WAL is missing, the source's archive has a gap: take a backup with `invoke "
    "backup.create`, for times after it need no older WAL, and see whether archiving works.",
}
STEPS = {Kind.BACKUP: 6, Kind.CLONE: 10}  # how often ``advance`` is called


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


@dataclass(frozen=True, slots=True)
class _Bench:
    """One copy on the bench, and what was found of it so far."""

    crew: Crew
    source: Source
    database: Database
    advance: Callable[[], None]
    found: list[CheckResult]

    def login(self) -> Login:
        return Login(self.database, self.source.owner, VERIFY)

    def try_(self, name: str, ask: Callable[[], CheckResult]) -> CheckResult:
        """Return a check's result, or what its failure means.

        A drill that is given up cancels its queries: that says nothing about the copy.
        """
        try:
            return ask()
        except StoppedError:
            raise
        except (OpsError, psycopg.Error) as error:
            self.crew.check()
            return trouble.of(error).result(name)
        finally:
            self.advance()

    def note(self, name: str, ask: Callable[[], CheckResult]) -> None:
        """Note a check's result, or what its failure means."""
        self.found.append(self.try_(name, ask))

    def common(self, connection: Connection, until: datetime | None) -> None:
        """Note the checks that every copy gets; amcheck, the dearest, is last."""
        crew, source = self.crew, self.source
        amcheck.install(crew, Login(self.database, source.owner, CHANGE))
        self.note("migrations", lambda: checks.migrations(crew, source, connection, until))
        self.note("sequence_reach", lambda: checks.sequence_reach(connection))
        self.note("orphans", lambda: checks.orphans(connection))
        self.note("amcheck", lambda: amcheck.check(crew, self.login()))

    def application(self) -> None:
        """Note whether the application could go on."""
        app = Login(self.database, self.source.app, VERIFY)
        self.note("application", lambda: checks.application(self.crew, app))


def backup(
    crew: Crew,
    source: Source,
    made: Made,
    found: list[CheckResult],
    advance: Callable[[], None],
) -> Verified:
    """Verify a restored backup: by itself, for the source has moved on since.

    Args:
        crew: to connect with.
        source: whose backup it is.
        made: the copy.
        found: takes every result as it comes out, for a drill that is cut short.
        advance: called once a step.
    """
    if made.database is None or made.failure:
        return _not_restored(made, found)
    bench = _Bench(crew, source, made.database, advance, found)
    run = made.plan.backup
    began = None if run is None else run.started or run.ended
    since = time.monotonic()
    found.append(_restored(made))
    bench.application()
    try:
        with crew.connect(bench.login()) as connection:
            bench.note(
                "heartbeat", lambda: checks.backup_heartbeat(crew, source, connection, began)
            )
            bench.common(connection, began)
    except CannotConnectError as error:
        found.append(trouble.of(error).result("connect"))
    return Verified(made, tuple(found), time.monotonic() - since)


def clone(
    crew: Crew,
    source: Source,
    made: Made,
    baseline: "Future[Baseline]",
    found: list[CheckResult],
    advance: Callable[[], None],
) -> Verified:
    """Verify a clone: it must be what the source was at the marker; see ``backup``."""
    if made.database is None or made.failure:
        return _not_restored(made, found)
    bench = _Bench(crew, source, made.database, advance, found)
    expected = baseline.result()
    since = time.monotonic()
    found.append(_restored(made))
    bench.application()
    newest: datetime | None = None
    try:
        with crew.connect(bench.login()) as connection:
            unseen = _unseen(connection, expected.marker)
            with suppress(psycopg.Error):
                newest = _newest(connection)
            bench.note("heartbeat", lambda: _heartbeats(connection, expected.marker))
            found.extend(_doubted(one, unseen) for one in _equal(bench, connection, expected))
            bench.common(connection, expected.marker.point_in_time)
    except CannotConnectError as error:
        found.append(trouble.of(error).result("connect"))
    return Verified(made, tuple(found), time.monotonic() - since, newest)


def _restored(made: Made) -> CheckResult:
    words = f"{made.plan.name} answers"
    return CheckResult("restored", State.OK, 1, 1, words)


def _not_restored(made: Made, found: list[CheckResult]) -> Verified:
    remedy = _NOT_RESTORED[made.plan.kind]
    result = CheckResult("restored", State.FINDING, 1, 1, made.failure, remedy=remedy)
    found.append(result)
    return Verified(made, tuple(found))


def _equal(bench: _Bench, connection: Connection, baseline: Baseline) -> Iterable[CheckResult]:
    for question in questions.EQUAL:
        yield compare.answers(baseline, question, _answer(bench, connection, question))
    bench.advance()
    yield bench.try_("sequences", lambda: compare.reach(baseline, sequences.read(connection)))
    bench.crew.check()
    content_of: dict[str, Content] = {}

    def counts() -> CheckResult:
        shapes = [proven.shape for proven in baseline.content.values() if not proven.trouble]
        content_of.update(content.read(bench.crew, bench.login(), shapes))
        return compare.counts(baseline, content_of)

    yield bench.try_("counts", counts)
    yield bench.try_("content", lambda: _contents(bench, baseline, content_of))


def _contents(bench: _Bench, baseline: Baseline, content_of: Mapping[str, Content]) -> CheckResult:
    """Compare the content; where a table that was hashed as one differs, look for the pages.

    The source's side is read anew for that, so its rows may be younger than the marker.
    """
    found = compare.contents(baseline, content_of)
    wrong = [
        proven.shape.in_stretches()
        for label, proven in baseline.content.items()
        if not (proven.trouble or proven.shape.stretch_pages)
        and label in content_of
        and not content_of[label].trouble
        and compare.differing(proven, content_of[label])
    ]
    if found.state is not State.FINDING or not wrong:
        return found
    try:
        with bench.crew.connect(bench.source.login(READ)) as connection:
            now = content.read_over(connection, wrong)
        with bench.crew.connect(bench.login()) as connection:
            copy = content.read_over(connection, wrong)
    except (OpsError, psycopg.Error):
        bench.crew.check()
        return found  # the finding stands, without its place
    return compare.located(
        found,
        {a.shape.label: (prove(a, a), b) for a, b in zip(now, copy, strict=True)},
    )


def _answer(bench: _Bench, connection: Connection, question: str) -> Mapping[str, str] | Trouble:
    try:
        return questions.ask(connection, question)
    except psycopg.Error as error:
        bench.crew.check()
        return trouble.of(error)


def _heartbeats(connection: Connection, marker: Marker) -> CheckResult:
    query = statement(sql.load("restore/heartbeats"))
    have = {row[0] for row in connection.execute(query, {"drill": marker.drill})}
    lines = [
        f"the one {label} the marker, {number}, is lost"
        for label, number in (("before", marker.before), ("at", marker.at))
        if number not in have
    ]
    if marker.after in have:
        lines.append(f"the one after the marker, {marker.after}, is there")
    if lines:
        words = "the clone is not as of the marker"
        return CheckResult("heartbeat", State.FINDING, 3, 3, words, tuple(lines))
    words = f"heartbeat {marker.at} is there and {marker.after}, the next, is not"
    return CheckResult("heartbeat", State.OK, 3, 3, words)


def _newest(connection: Connection) -> datetime | None:
    query = statement(sql.load("restore/heartbeat_newest"))
    row = connection.execute(query, {"until": None}).fetchone()
    return None if row is None else row[1]


def _unseen(connection: Connection, marker: Marker) -> tuple[str, ...]:
    query = statement(sql.load("restore/committed"))
    with suppress(psycopg.Error):
        return tuple(row[0] for row in connection.execute(query, {"numbers": list(marker.unseen)}))
    return ()


def _doubted(result: CheckResult, unseen: Sequence[str]) -> CheckResult:
    """Return a difference as unknown where a commit slipped in between snapshot and marker."""
    if not unseen or result.state is not State.FINDING:
        return result
    words = f"{result.detail}; but commits were under way while the marker was set: {len(unseen)}"
    return replace(
        result, state=State.UNKNOWN, detail=words, remedy="Drill again in a quieter minute."
    )
