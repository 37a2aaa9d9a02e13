"""Records that earlier versions wrote are verified, shown and followed by new ones.

``records_of_format_2`` is what the version wrote that had fields of their own for each measure:
three restore drills and a failover drill.
"""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.checks.result import State, worst
from ops.console import to_json
from ops.evidence import Evidence, account, chain, formats, history, page, write
from ops.evidence.history import Entry
from ops.measures import Measure, meaning
from ops.store import FolderStore

DRILL, FAILOVER = "restore-drill", "failover-drill"
NOW = datetime(2026, 10, 8, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    shutil.copytree(Path(__file__).parent / "records_of_format_2", tmp_path / "store")
    return FolderStore(tmp_path / "store")


def newest(store: FolderStore, kind: str) -> Entry:
    entry = account.read_entry(store, kind, "")
    assert isinstance(entry, Entry)
    return entry


@pytest.mark.parametrize("kind", [DRILL, FAILOVER])
def test_a_chain_of_before_is_whole(store: FolderStore, kind: str) -> None:
    assert worst(check.state for check in chain.verify(store, kind)) is State.OK
    report = account.tell(store, kind, last=20, days=8, now=NOW, stack="prod")
    assert report.state is State.OK, report.blocks()


def test_a_restore_drill_of_before_has_the_same_measures(store: FolderStore) -> None:
    entries = history.read(store, DRILL).entries
    assert [entry.verdict for entry in entries] == ["fail", "pass", "pass"]
    assert entries[1].measures == {
        "rto": Measure(64.0, "s", 3600.0),
        "rpo": Measure(0.412, "s", 60.0),
    }
    assert entries[0].measures["rto"] == Measure(None, "s", 3600.0)
    shown = page.render_quickly(store, entries[1], NOW, days=8)
    assert "RTO, time to a restored and checked copy" in shown
    assert "64 s" in shown


def test_a_failover_drill_of_before_has_the_same_measures(store: FolderStore) -> None:
    entry = newest(store, FAILOVER)
    assert entry.measures == {
        "write_gap": Measure(812.5, "ms", 60_000.0),
        "commits_lost": Measure(0.0, ""),
        "reconnect": Measure(1500.0, "ms", 30_000.0),
    }
    report = account.tell(store, FAILOVER, last=1, days=0, now=NOW)
    (brief,) = json.loads(to_json(report))["drills"]
    assert (brief["gap_ms"], brief["lost"], brief["reconnect_ms"]) == (812.5, 0, 1500)


def test_a_new_record_goes_on_with_the_chain(store: FolderStore) -> None:
    measures = {"rto": Measure(70.0, "s", 60.0), "pages_read": Measure(12.0, "")}
    facts = {
        "verdict": "pass",
        "run": "261008030000-00c0",
        "source": "ai-square-db",
        "stack": "prod",
        "checks": [{"check": "restored", "state": "ok", "examined": 1, "total": 1}],
        "measures": measures,
    }
    written = write(store, Evidence(DRILL, "261008030000-00c0", "A drill", facts, (), {}, {}))
    assert worst(check.state for check in chain.verify(store, DRILL)) is State.OK
    stored = store.get(written.key)
    assert stored is not None
    assert json.loads(stored.content)["format"] == formats.CURRENT == 3
    entry = newest(store, DRILL)
    assert entry.measures == measures
    assert entry.measures["rto"].met is False
    assert meaning("pages_read").label == "Pages read"  # a measure that nobody has described yet
    assert "Pages read" in page.render_quickly(store, entry, NOW, days=8)
    table, *_ = account.tell(store, DRILL, last=4, days=0, now=NOW).blocks()
    assert not isinstance(table, str)
    assert {"RTO s", "RPO s", "Pages read"} <= set(table.columns)


def test_a_record_of_a_later_format_is_refused_with_the_version_that_reads_it(
    store: FolderStore,
) -> None:
    entry = newest(store, FAILOVER)
    stored = store.get(entry.key)
    assert stored is not None
    later = {**json.loads(stored.content), "format": formats.CURRENT + 1}
    refusal = history.parse(FAILOVER, entry.key, json.dumps(later).encode())
    assert isinstance(refusal, str)
    assert f"this version reads up to format {formats.CURRENT}" in refusal
    assert "Read it with ai-square-db 0.1.0" in refusal
