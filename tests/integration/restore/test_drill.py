"""Whole drills: green where all is well, red for every fault, nothing left behind."""

import hashlib
import json
import re
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.checks.result import State
from ops.console import Silent, to_json
from ops.db import CHANGE
from ops.evidence.head import keys
from ops.restore.drill.perform import Options, Report, perform
from ops.restore.drill.plan import UnknownBackupError
from ops.restore.proof.marker import NoHeartbeatTableError
from ops.restore.source import ROOM, Source
from ops.schema import definitions as questions


def _red(report: Report) -> set[str]:
    return {
        f"{one.copy} {one.result.check}"
        for one in report.checks
        if one.result.state is State.FINDING
    }


def test_a_healthy_source_passes_and_leaves_evidence(source: Source, tmp_path: Path) -> None:
    hook = f"psql -Atc 'select 1' && ls $PGDATA/PG_VERSION && cp $PGPASSFILE {tmp_path}/$DRILL_COPY"
    report = perform(source, Options(before_verify=hook), Silent())

    assert report.verdict == "pass", report.blocks()
    states = {(one.copy, one.result.check): one.result for one in report.checks}
    assert {check for copy, check in states if copy == "clone"} >= {
        *questions.EQUAL,
        *("restored", "application", "heartbeat", "sequences", "counts", "content"),
        *("migrations", "sequence_reach", "orphans", "amcheck"),
    }
    assert states["backup", "heartbeat"].state is State.OK
    assert states["clone", "content"].evidence["rows"] == 3000 + 9000 + 20000 + 3000 + 2 + 1
    assert states["clone", "orphans"].examined == 1
    assert states["clone", "amcheck"].examined == states["clone", "amcheck"].total > 100
    assert report.clone is not None
    assert report.clone.method == "exact"
    assert report.rto is not None
    assert report.loss is not None
    assert report.loss.seconds is not None
    assert 0 <= report.loss.seconds < 1
    assert set(report.phases) == {"backup", "clone"}
    assert report.phases["backup"].create > 0
    assert report.phases["clone"].restore > 0
    assert stat.S_IMODE((tmp_path / "clone").stat().st_mode) == 0o600
    assert (tmp_path / "backup").read_text() != (tmp_path / "clone").read_text()

    document = json.loads(to_json(report))
    assert document["verdict"] == "pass"
    assert document["leftovers"] == []
    assert set(document["rto_s"]) >= {"queue", "restore", "start", "first_query", "verified"}
    assert document["backups"][0]["description"] == "of the tests"
    evidence = Path(report.evidence)
    assert json.loads(evidence.read_bytes())["drill"] == document
    text = evidence.with_suffix(".md").read_text()
    for question in questions.EQUAL:
        assert f"| clone | {question.replace('_', ' ')} | ok |" in text
    assert re.search(r"postgresql \d+", text)
    (content,) = (one for one in document["checks"] if one["name"] == "clone.content")
    account = content["evidence"]["tables"]["public.account"]
    assert account["source"] == account["clone"]
    assert account["source"]["rows"] == 3000
    assert re.fullmatch(r"-?\d+", account["source"]["hash"])
    digest = hashlib.sha256(evidence.read_bytes()).hexdigest()
    assert digest in evidence.with_suffix(".md").read_text()


# What has to see each fault, and nothing else but what hangs on it.
SEEN = {
    "altered-row": {"clone content"},
    "lost-table": {"clone tables", "clone counts", "clone content"},
    "lagging-sequence": {"clone sequences", "clone sequence_reach"},
    "broken-index": {"clone amcheck"},
    "missing-wal": {"clone restored"},
    "grant-not-in-backup": {"backup objects"},
}


@pytest.mark.parametrize("fault", SEEN)
def test_every_fault_turns_the_drill_red(source: Source, fault: str) -> None:
    (before,) = keys(source.store, ROOM)[-1:] or ("",)
    report = perform(source, Options(inject=fault), Silent())
    assert report.verdict == "fail"
    assert report.injected == fault
    if fault == "lost-table":
        assert _red(report) >= SEEN[fault]
    else:
        assert _red(report) == SEEN[fault], "\n".join(map(str, report.blocks()))
    results = {one.result.check: one.result for one in report.checks if one.copy == "clone"}
    if fault == "altered-row":
        (line,) = results["content"].differences
        assert re.search(r"in [12] of \d+ stretches: pages? \d+", line)
    if fault == "missing-wal":
        assert "log" not in results["restored"].remedy
        assert "backup.create" in results["restored"].remedy
    evidence = json.loads(Path(report.evidence).read_bytes())
    previous = evidence["previous"] or {"key": "", "sha256": ""}
    assert previous["key"] == before  # none where this is the first drill
    if before:
        content = (Path(report.evidence).parents[2] / before).read_bytes()
        assert previous["sha256"] == hashlib.sha256(content).hexdigest()


@contextmanager
def _busy(source: Source) -> Iterator[None]:
    """Write without a pause: rows are added at one table's end, one page of another changes."""
    ended = threading.Event()

    def write() -> None:
        with source.database.connect(source.owner, budget=CHANGE) as connection:
            while not ended.is_set():
                connection.execute("INSERT INTO event (what) VALUES ('busy')")
                connection.execute("UPDATE account SET balance = balance + 1 WHERE id <= 5")

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        ended.set()
        for writer in writers:
            writer.join()


@pytest.mark.parametrize(
    ("fault", "verdict"), [("", "pass"), ("altered-row", "fail"), ("changed-enum", "fail")]
)
def test_a_busy_source_is_compared_in_what_stood_still(
    source: Source, execute: Callable[[str], None], fault: str, verdict: str
) -> None:
    # The fault spoils the largest table: how large the others grow meanwhile is chance, and in
    # rows that move it can't be told from the other changes.
    execute("CREATE TABLE still AS SELECT g AS id, 'x' AS word FROM generate_series(1, 300000) g")
    try:
        with _busy(source):
            # whether a moment without a write is found is chance: the hard way on purpose
            report = perform(source, Options(inject=fault, exact_tries=0), Silent())
    finally:
        execute("DROP TABLE still")
    assert report.clone is not None
    assert report.clone.method == "sandwich"
    assert report.verdict == verdict, "\n".join(map(str, report.blocks()))
    content = next(one.result for one in report.checks if one.result.check == "content")
    assert isinstance(content.evidence["moving_rows"], int)
    assert 0 < content.evidence["moving_rows"] < 5000


def test_without_the_heartbeat_table_nothing_is_made(
    source: Source, execute: Callable[[str], None]
) -> None:
    execute("ALTER TABLE ops.drill_heartbeat RENAME TO away")
    try:
        with pytest.raises(NoHeartbeatTableError, match=r"migrate\.up"):
            perform(source, Options(), Silent())
    finally:
        execute("ALTER TABLE ops.away RENAME TO drill_heartbeat")


def test_an_unknown_backup_names_those_there(source: Source) -> None:
    (run,) = source.cloud.backup_runs(source.instance)
    with pytest.raises(UnknownBackupError, match=run.id):
        perform(source, Options(backup="17"), Silent())
