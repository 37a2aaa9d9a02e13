"""One drill, one restore: the same figures and the same gaps, in whatever form they are read."""

import html
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.checks.result import count
from ops.console import Silent, Table, to_json
from ops.evidence import account, afterwards, page
from ops.evidence.history import Entry, parse
from ops.notify import DEFAULT, body
from ops.restore.drill.perform import Options, perform
from ops.restore.drill.report import Report
from ops.restore.faults import wal
from ops.restore.recovery.order import Request, Task
from ops.restore.recovery.perform import Options as RestoreOptions
from ops.restore.source import ROOM, Source
from tests.integration.restore.conftest import Site
from tests.integration.restore.desk import desk

OTHER = "reports: a database, too"


@pytest.fixture
def other(source: Source) -> Iterator[str]:
    """A database that is not the stack's."""
    cloud = source.cloud
    cloud.wait(cloud.insert_database(source.instance, OTHER))
    wal.archived(source)  # else the latest moment to recover to may be one without it
    yield OTHER
    cloud.wait(cloud.delete_database(source.instance, OTHER))


def _plain(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def _blocks(blocks: Sequence[Table | str]) -> str:
    return _plain(" ".join(one if isinstance(one, str) else str(one.rows) for one in blocks))


def _forms(source: Source, report: Report) -> tuple[Entry, dict[str, str]]:
    """Return a drill's record, and every form of it that people read, as one line each."""
    path = Path(report.evidence)
    entry = parse(ROOM, f"evidence/{ROOM}/{report.run}.json", path.read_bytes())
    assert isinstance(entry, Entry)
    notice = afterwards.notice(entry, report.evidence)
    return entry, {
        "terminal": _blocks(report.blocks()),
        "markdown": _plain(path.with_suffix(".md").read_text()),
        "evidence": _blocks(account.EvidenceReport(entry, report.evidence).blocks()),
        "page": _plain(page.render_quickly(source.store, entry, datetime.now(UTC), days=8)),
        "notice": _plain(notice.text),
        "webhook": _plain(body(DEFAULT, notice).decode()),
    }


def test_every_form_of_a_drill_tells_the_same(source: Source, other: str) -> None:
    report = perform(source, Options(latest=True), Silent())
    assert report.verdict == "pass", report.blocks()
    entry, forms = _forms(source, report)
    counts = count(check.result.state for check in report.checks)
    assert counts.not_applicable  # else two ways of counting come to the same
    assert entry.counts == counts
    document = json.loads(to_json(report))
    assert document["counts"] == json.loads(to_json(counts))
    history = account.tell(source.store, ROOM, last=200, days=0, now=datetime.now(UTC))
    drills = json.loads(to_json(history))["drills"]
    (told,) = (drill for drill in drills if drill["run"] == report.run)
    assert told["counts"] == document["counts"]

    (backup,) = report.backups
    databases = f"databases other than {source.database.name} (postgres, {other})"
    for gap in (f"backup run {backup.id}", databases):
        assert gap in " ".join(document["not_compared"])
        assert gap in " ".join(told["not_compared"])
    assert report.rto is not None
    assert report.loss is not None
    rto, rpo = report.rto.total, report.loss.seconds
    assert rpo is not None
    assert [entry.measures[name].value for name in ("rto", "rpo")] == [rto, rpo]
    assert (document["rto_s"]["total"], document["rpo_s"]) == (rto, rpo)
    assert document["measures"]["rto"] == {"value": rto, "unit": "s", "target": source.rto_target_s}
    for name, text in forms.items():
        assert "erified copy" not in text, name
        assert set(re.findall(r"\d+ of \d+ ok", text)) == {
            f"{counts.ok} of {counts.applicable} ok"
        }, name
        assert f"Not compared: the rows of backup run {backup.id}" in text, name
        assert databases in text, name
        assert report.verdict in text, name
        figures = {f"{rto:.1f}", f"{rto:.3f}", f"{rto:g}"}
        assert any(figure in text for figure in figures), (name, rto)
    for copy, phases in report.phases.items():
        for value in phases.by_name().values():
            assert f"{value:.1f}" in forms["terminal"], copy
            assert f"{value:.1f}" in forms["page"], copy
    # what of the backup nobody proved is no answer to an auditor's question
    assert "The backed-up data are whole and complete. ? not shown" in forms["page"]


@pytest.mark.parametrize("task", [Task.TO_NEW, Task.PITR])
def test_a_restore_says_what_of_it_was_not_compared(
    site: Site, source: Source, other: str, task: Task
) -> None:
    at = desk(site, source)
    moment = "latest" if task is Task.PITR else ""
    pages = task is Task.PITR
    made = at(Request(task, to=moment, name="compared"), RestoreOptions(amcheck=pages))
    try:
        assert "Not compared: the rows of " in made.summary
        assert ("--no-amcheck" in made.summary) is not pages
        assert (other in made.summary) is (task is Task.PITR)  # it is younger than the backup
        document = json.loads(to_json(made))
        assert document["counts"]["finding"] == 0
        assert len(document["not_compared"]) == 2 + (not pages)
        text = Path(made.evidence).with_suffix(".md").read_text()
        assert "Not compared: the rows of " in text
    finally:
        at.remove("compared")
