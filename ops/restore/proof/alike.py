"""Holds a clone against the baseline: it must be what the source was at the marker."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import psycopg

from ops import sql
from ops.checks import limit as limits
from ops.checks import trouble
from ops.checks.ask import Asking
from ops.checks.crew import Login
from ops.checks.questions import sequence_reach as reach
from ops.checks.reading import released, under
from ops.checks.result import CheckResult, Finding, Level, ObjectId, State, doubt
from ops.checks.trouble import Trouble
from ops.db import Connection, statement
from ops.errors import OpsError
from ops.restore.proof.baseline import Baseline
from ops.restore.proof.marker import Marker
from ops.schema import catalogs, compare, content, definitions, sequences
from ops.schema.catalogs import Catalogs
from ops.schema.content import Content
from ops.schema.definitions import Answer
from ops.schema.proven import prove


def objects(asking: Asking, connection: Connection, baseline: Baseline) -> Sequence[CheckResult]:
    """Compare what the copy is made of: objects, catalogs, sequences."""
    answers: dict[str, Answer | Trouble] = {}
    catalog_rows: Catalogs | Trouble = limits.LATE
    with under(connection):
        for question in definitions.EQUAL:
            answers[question] = definitions.answer(connection, question, asking.limit)
            asking.crew.check()
        asking.advance()
        if not asking.limit.passed:
            catalog_rows = _catalogs(asking, connection)
    between = baseline.marker.between
    rows = catalogs.rows_of(*baseline.catalogs, catalog_rows, between)
    results = [
        compare.answers(
            question, baseline.answers[question], answer, baseline.moving[question], rows
        )
        for question, answer in answers.items()
    ]
    results.append(catalogs.check(*baseline.catalogs, catalog_rows, between, results))
    asking.advance()
    results.append(asking.ask(sequences.CHECK, lambda: _reach(asking, connection, baseline)))
    asking.crew.check()
    return results


def _reach(asking: Asking, connection: Connection, baseline: Baseline) -> CheckResult:
    """Compare the sequences; look at the source's once more where that is a finding."""
    copy = sequences.read(connection)
    before, after = baseline.marker.sequences, baseline.sequences
    checked = compare.reach(before, after, copy)
    if checked.state is not State.FINDING:
        return checked
    try:
        with asking.crew.connect(_original(asking)) as original:
            return compare.reach(before, after, copy, sequences.read(original))
    except (OpsError, psycopg.Error):
        asking.crew.check()
        return checked


def _original(asking: Asking) -> Login:
    assert asking.original is not None  # noqa: S101 - a clone is held against its source
    return asking.original


def _catalogs(asking: Asking, connection: Connection) -> Catalogs | Trouble:
    try:
        with released(connection):
            asking.limit.hold(connection)
            return catalogs.read(connection)
    except psycopg.Error as error:
        asking.crew.check()
        return asking.limit.trouble(trouble.of(error))


def content_of(asking: Asking, baseline: Baseline) -> Iterable[CheckResult]:
    """Compare what the copy holds, row for row."""
    contents: dict[str, Content] = {}

    def counts() -> CheckResult:
        shapes = [proven.shape for proven in baseline.content.values() if not proven.trouble]
        login, limit = asking.login, asking.limit
        contents.update(content.read(asking.crew, login, shapes, limit=limit))
        return compare.counts(baseline.tables, contents)

    yield asking.ask("counts", counts)
    yield asking.ask("content", lambda: _contents(asking, baseline, contents))


def _contents(asking: Asking, baseline: Baseline, contents: Mapping[str, Content]) -> CheckResult:
    """Compare the content; where a table that was hashed as one differs, look for the pages.

    The source's side is read anew for that, so its rows may be younger than the marker.
    """
    checked = compare.contents(baseline.tables, contents)
    wrong = [
        proven.shape.in_stretches()
        for label, proven in baseline.content.items()
        if not (proven.trouble or proven.shape.stretch_pages)
        and label in contents
        and not contents[label].trouble
        and compare.differing(proven, contents[label])
    ]
    if checked.state is not State.FINDING or not wrong:
        return checked
    try:
        with asking.crew.connect(_original(asking)) as connection:
            now = content.read_over(connection, wrong)
        with asking.crew.connect(asking.login) as connection:
            copy = content.read_over(connection, wrong)
    except (OpsError, psycopg.Error):
        asking.crew.check()
        return checked  # the finding stands, without its place
    return compare.located(
        checked,
        {a.shape.label: (prove(a, a), b) for a, b in zip(now, copy, strict=True)},
    )


def heartbeats(connection: Connection, marker: Marker) -> CheckResult:
    """Look for the drill's own heartbeats: up to the marker, and none after it."""
    query = statement(sql.load("restore/heartbeats"))
    have = {row[0] for row in connection.execute(query, {"drill": marker.drill})}
    findings = [
        _heartbeat(number, f"the one {label} the marker, is lost")
        for label, number in (("before", marker.before), ("at", marker.at))
        if number not in have
    ]
    if marker.after in have:
        findings.append(_heartbeat(marker.after, "the one after the marker, is there"))
    if findings:
        words = "the clone is not as of the marker"
        return CheckResult("heartbeat", State.FINDING, 3, 3, words, tuple(findings))
    words = f"heartbeat {marker.at} is there and {marker.after}, the next, is not"
    return CheckResult("heartbeat", State.OK, 3, 3, words)


def _heartbeat(number: int, message: str) -> Finding:
    return Finding(ObjectId("heartbeat", f"heartbeat {number}"), Level.FINDING, message)


def newest(connection: Connection) -> datetime | None:
    """Return when the newest heartbeat of a copy was written."""
    query = statement(sql.load("restore/heartbeat_newest"))
    row = connection.execute(query, {"until": None}).fetchone()
    return None if row is None else row[1]


def unseen(connection: Connection, marker: Marker) -> tuple[str, ...]:
    """Return the transactions that the copy has and that no snapshot of the source shows."""
    query = statement(sql.load("restore/committed"))
    with suppress(psycopg.Error):
        return tuple(row[0] for row in connection.execute(query, {"numbers": list(marker.unseen)}))
    return ()


def doubted(result: CheckResult, unseen: Sequence[str]) -> CheckResult:
    """Return a difference as unknown where a commit slipped in between snapshot and marker."""
    if not unseen or result.state is not State.FINDING:
        return result
    words = f"{result.detail}; but commits were under way while the marker was set: {len(unseen)}"
    return doubt(result, words, "Drill again in a quieter minute.")


def reached(results: Sequence[CheckResult]) -> Sequence[CheckResult]:
    """Return the results, a sequence behind its column unknown where it stands as it stood.

    A sequence that is where the source's was at the marker was behind its column there too, and
    was set since; or its column's rows moved, of which the content tells.
    """
    compared = next((result for result in results if result.check == sequences.CHECK), None)
    if compared is None or not compared.examined:
        return results
    return [
        _stood(result, compared) if result.check == reach.CHECK else result for result in results
    ]


def _stood(behind: CheckResult, compared: CheckResult) -> CheckResult:
    moved = {finding.object for finding in compared.at(Level.FINDING)}
    findings = behind.at(Level.FINDING)
    if not findings or any(finding.object in moved for finding in findings):
        return behind
    words = f"{behind.detail}; but they stand where they stood on the source at the marker"
    remedy = "Drill again when nobody restarts sequences."
    doubted_result = doubt(behind, words, remedy)
    return replace(doubted_result, examined=behind.examined - len(findings))
