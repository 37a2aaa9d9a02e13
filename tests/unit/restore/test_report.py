import getpass
import hashlib
import io
import json
import re
import socket
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.checks.result import Checked, CheckResult, State
from ops.console import WIDTH, Console, Format, Table
from ops.evidence import key, record, write
from ops.restore.drill import evidence
from ops.restore.drill.report import DRILL, Clone, Report, Restored
from ops.restore.drill.timing import Loss, Phases
from ops.restore.source import ROOM, Source
from tests.unit.findings import findings
from tests.unit.restore.sources import drilled

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PHASES = Phases(0.1, 1, 2, 0.25, 0.05, 3)


def _checked(copy: str, check: str, state: State = State.OK, *lines: str) -> Checked:
    remedy = "" if state is State.OK else "Look at it."
    return Checked(
        copy, CheckResult(check, state, 2, 2, "told", findings(*lines, state=state), {}, remedy)
    )


REPORT = Report(
    run="260102030405-ab12",
    stack="local",
    source="db",
    started=NOW,
    ended=NOW + timedelta(seconds=20),
    backups=(Restored("17", "AUTOMATED", "", NOW, NOW, "db-drill-b1"),),
    clone=Clone("db-drill-c", NOW, "exact", 1),
    checks=(
        _checked(DRILL, "backups"),
        _checked("backup", "restored"),
        _checked("clone", "restored"),
        _checked("clone", "tables"),
        _checked("clone", "columns"),
        _checked("clone", "content"),
    ),
    phases={"backup": PHASES, "clone": PHASES},
    rto=PHASES,
    loss=Loss(NOW, NOW - timedelta(milliseconds=3), None),
    evidence="/evidence/x.json",
)


def _with(*more: Checked) -> Report:
    return replace(REPORT, checks=(*REPORT.checks, *more))


@pytest.mark.parametrize(
    ("states", "verdict", "state"),
    [
        ((), "pass", State.OK),
        ((State.NOT_APPLICABLE,), "pass", State.OK),
        ((State.UNKNOWN,), "unknown", State.UNKNOWN),
        ((State.UNKNOWN, State.FINDING), "fail", State.FINDING),
    ],
)
def test_the_verdict_is_the_worst_state(
    states: tuple[State, ...], verdict: str, state: State
) -> None:
    report = _with(*(_checked("clone", "orphans", one) for one in states))
    assert (report.verdict, report.state) == (verdict, state)


def test_machines_read_the_contract() -> None:
    out = io.StringIO()
    Console(Format.JSON, out).show(REPORT)
    told = json.loads(out.getvalue())
    assert told["verdict"] == "pass"
    assert told["source"] == "db"
    assert told["backups"][0]["id"] == "17"
    assert told["rto_s"] == {
        "queue": 0.1,
        "create": 1,
        "restore": 2,
        "start": 0.25,
        "first_query": 0.05,
        "verified": 3,
        "total": 6.4,
    }
    assert told["rpo_s"] == 0.003
    assert told["evidence"] == "/evidence/x.json"
    assert told["leftovers"] == []
    check = told["checks"][3]
    assert check["name"] == "clone.tables"
    assert (check["state"], check["examined"], check["total"]) == ("ok", 2, 2)
    assert check["differences"] == []


def test_people_read_a_line_a_check_and_the_schema_as_one() -> None:
    table = REPORT.blocks()[0]
    assert isinstance(table, Table)
    assert table.columns == ("check", "backup", "clone")
    assert table.rows == (
        ("restored", "ok 2/2", "ok 2/2"),
        ("schema", "-", "ok 4/4"),
        ("content", "-", "ok 2/2"),
    )
    summary = (
        "Verdict: pass. A copy was restored and checked in 6.4 s (RTO). 0.003 s lost (RPO). "
        "Checks: 6 of 6\n  ok. Not compared: the rows of backup run 17 with those that were "
        "backed up."
    )
    assert REPORT.blocks()[-2:] == [
        summary,
        "Evidence: /evidence/x.json",
    ]


def _row(report: Report, check: str) -> tuple[object, ...]:
    (table,) = (block for block in report.blocks() if isinstance(block, Table))
    return next(row for row in table.rows if row[0] == check)


def test_a_cell_counts_what_differs_or_could_not_be_told() -> None:
    def told(state: State, examined: int, *lines: str) -> object:
        noted = (*findings(*(lines or ("a", "b")), state=state), *findings("c", state=State.OK))
        result = CheckResult("orphans", state, examined, 9, "told", noted)
        return _row(_with(Checked("clone", result)), "orphans")[2]

    assert told(State.OK, 9) == "ok 9/9"
    assert told(State.FINDING, 9) == "finding 2 of 9"
    assert told(State.FINDING, 9, "a") == "finding 1 of 9"
    assert told(State.UNKNOWN, 7) == "unknown 2 of 9"
    assert told(State.UNKNOWN, 9) == "unknown"


@pytest.mark.parametrize("state", [State.FINDING, State.UNKNOWN])
def test_a_drill_that_did_not_pass_verified_nothing(state: State) -> None:
    told = _with(_checked("clone", "orphans", state)).summary()
    assert "erified" not in told
    assert "A copy was restored and checked in 6.4 s." in told


def test_a_fault_put_in_on_purpose_is_told_and_no_empty_table_is_shown() -> None:
    report = replace(REPORT, injected="altered-row", checks=REPORT.checks[:1], swept=("it is so",))
    blocks = report.blocks()
    assert blocks[:2] == ["Cleaned up first: it is so", "Put in on purpose: altered-row"]
    assert not [block for block in blocks if isinstance(block, Table)]
    assert not [block for block in REPORT.blocks() if "on purpose" in str(block)]


def test_people_read_what_is_wrong_first_lines_only_and_what_to_do() -> None:
    lines = [f"t{number}: lost" for number in range(9)]
    out = io.StringIO()
    Console(Format.TABLE, out).show(_with(_checked("clone", "orphans", State.FINDING, *lines)))
    text = out.getvalue()
    assert "clone, orphans: told\n  - t0: lost\n" in text
    assert "  - and 5 more\n  Look at it.\n" in text
    assert "Verdict: fail." in text
    assert all(len(line) <= WIDTH for line in text.splitlines())


def test_a_good_check_with_a_remedy_is_told_too() -> None:
    result = CheckResult("application", State.OK, 1, 1, "connects, reads nothing", remedy="GRANT.")
    blocks = _with(Checked("clone", result)).blocks()
    assert "clone, application: connects, reads nothing" in blocks
    assert "  GRANT." in blocks


def _write(source: Source, report: Report, versions: dict[str, str]) -> None:
    write(source.store, evidence.of(source, report, versions))


def test_evidence_is_chained_to_the_one_before(tmp_path: Path) -> None:
    source = drilled(tmp_path)
    _write(source, REPORT, {"database": "POSTGRES_15"})
    later = replace(REPORT, run="260102030406-0000")
    _write(source, later, {"database": "POSTGRES_15"})
    first = (tmp_path / key(ROOM, REPORT.run)).read_bytes()
    second = json.loads((tmp_path / key(ROOM, later.run)).read_bytes())
    assert json.loads(first)["previous"] is None
    assert second["previous"] == {
        "key": key(ROOM, REPORT.run),
        "sha256": hashlib.sha256(first).hexdigest(),
    }
    assert second["drill"]["verdict"] == "pass"
    assert second["versions"]["database"] == "POSTGRES_15"
    assert second["targets"] == {"rto_s": 1, "rpo_s": 1}
    text = (tmp_path / key(ROOM, later.run)).with_suffix(".md").read_text()
    assert hashlib.sha256(first).hexdigest() in text
    assert "RTO: not measured; the target is 1 s." in text


@pytest.mark.parametrize("there", [True, False])
def test_evidence_names_the_commit_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    module = tmp_path / "ops" / "evidence" / "record.py"
    monkeypatch.setattr(record, "__file__", str(module))
    expected = ""
    if there:
        git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "One"], check=True)
        asked = subprocess.run(
            [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
        )
        expected = asked.stdout.strip()
    _write(drilled(tmp_path / "store"), REPORT, {})
    path = tmp_path / "store" / key(ROOM, REPORT.run)
    assert json.loads(path.read_bytes())["commit"] == expected
    assert (f"Git commit: {expected}." in path.with_suffix(".md").read_text()) is there


def test_evidence_can_be_read(tmp_path: Path) -> None:
    report = _with(
        _checked("clone", "orphans", State.FINDING, "a|b"),
        _checked(DRILL, "rto", State.FINDING),
        _checked(DRILL, "rpo"),
    )
    _write(drilled(tmp_path), report, {"postgresql": "15.9"})
    text = (tmp_path / key(ROOM, REPORT.run)).with_suffix(".md").read_text()
    assert text.startswith("# Restore drill 260102030405-ab12: fail\n")
    assert f"Drilled by {getpass.getuser()} on {socket.gethostname()}." in text
    assert re.search(
        r"Versions: ai-square-db \S+, python .*, libpq \d+\.\d+, postgresql 15\.9\.", text
    )
    assert "RTO: 6.400 s; the target of 1 s is not met." in text
    assert "RPO: 0.003 s; the target of 1 s is met." in text
    assert "| clone | tables | ok | 2 of 2 | told |" in text
    assert "| clone | columns | ok | 2 of 2 | told |" in text
    assert "Record before: none\n" in text
    assert "| content | - | ok 2/2 |" in text
    assert "Backup run 17 (AUTOMATED, no description), into db-drill-b1." in text
