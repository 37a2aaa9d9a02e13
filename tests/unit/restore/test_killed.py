"""A drill that was killed stands in the chain of evidence, once."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ops.checks.result import State
from ops.evidence import chain
from ops.journal import Journal, unfinished
from ops.restore.drill import sweep
from ops.restore.drill.sweep import sweep_held
from ops.restore.source import ROOM
from tests.unit.restore.sources import drilled
from tests.unit.restore.test_cleanup import Cloud

NOW = datetime(2026, 5, 5, 13, tzinfo=UTC)
RUN = "260505120000-0a1b"
COPY = f"db-drill-{RUN}-b1"


def _killed(folder: Path, cloud: Cloud) -> tuple[Journal, Path]:
    source = drilled(folder, cloud)
    journal = Journal(source.store, ROOM, RUN)
    journal.intend(sweep.BEGUN, "db", pid="17", host="there")
    journal.intend("create", COPY)
    journal.intend("restore", COPY, backup="42")
    return journal, folder / "evidence" / ROOM / f"{RUN}.json"


def test_the_sweeper_records_a_killed_drill_exactly_once(tmp_path: Path) -> None:
    cloud = Cloud(**{"db": True, COPY: False})
    _, evidence = _killed(tmp_path, cloud)
    source = drilled(tmp_path, cloud)
    report = sweep_held(source, NOW, by="drill 260505130000-ffff")
    assert (report.removed, report.recorded, report.state) == ((COPY,), (RUN,), State.OK)
    assert unfinished(source.store, ROOM) == ()
    told = json.loads(evidence.read_bytes())["drill"]
    assert (told["verdict"], told["leftovers"]) == ("unknown", [])
    assert told["started"] == "2026-05-05T12:00:00+00:00"
    assert told["backups"][0]["id"] == "42"
    (ended,) = (one for one in told["checks"] if one["check"] == "completed")
    fate = "process 17 on there was killed, or suspended past its lease"
    assert f"{fate}; swept by drill 260505130000-ffff" in ended["detail"]
    (cleaned,) = (one for one in told["checks"] if one["check"] == "cleanup")
    assert cleaned["differences"] == [f"{COPY}: removed"]
    assert "1 of 1 copies were still there and are removed" in cleaned["detail"]
    before = evidence.read_bytes()

    _killed(tmp_path, cloud)  # killed again: before its journal was closed
    again = sweep_held(source, NOW, by="restore.sweep")
    assert again.recorded == ()
    assert evidence.read_bytes() == before
    assert unfinished(source.store, ROOM) == ()
    checks = chain.verify(source.store, ROOM)
    assert {one.state for one in checks} == {State.OK}, checks


def test_what_cannot_be_removed_is_told_and_recorded_once_too(tmp_path: Path) -> None:
    cloud = Cloud(**{"db": True, COPY: False})
    cloud.refuses.add(COPY)
    _, evidence = _killed(tmp_path, cloud)
    source = drilled(tmp_path, cloud)
    assert sweep_held(source, NOW, by="restore.sweep").state is State.FINDING
    assert json.loads(evidence.read_bytes())["drill"]["verdict"] == "fail"
    cloud.refuses.clear()
    assert sweep_held(source, NOW, by="restore.sweep").removed == (COPY,)
    assert len(list(evidence.parent.glob("*.json"))) == 1


def test_the_run_that_sweeps_is_left_alone_and_a_sweeps_own_journal_is_no_drill(
    tmp_path: Path,
) -> None:
    cloud = Cloud(db=True)
    source = drilled(tmp_path, cloud)
    own, other = (Journal(source.store, ROOM, name) for name in (RUN, "sweep-260505120000"))
    own.intend(sweep.BEGUN, "db")
    other.intend("delete", COPY)
    assert sweep_held(source, NOW, by="it", but=RUN).recorded == ()
    assert [one.run for one in unfinished(source.store, ROOM)] == [RUN]
    assert not (tmp_path / "evidence").exists()


def test_a_record_needs_no_more_than_a_place(tmp_path: Path) -> None:
    journal, evidence = _killed(tmp_path, Cloud())
    gone = replace(drilled(tmp_path, Cloud()), instance="gone")
    assert sweep.record_killed(gone, journal, (), (), "restore.sweep")
    assert evidence.exists()
