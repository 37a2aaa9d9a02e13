"""The catalogue: every fault is whole, every statement has its file, every file its fault."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops import restore, sql
from ops.journal import Journal
from ops.restore import cleanup
from ops.restore.faults import damage, inject
from ops.restore.faults.inject import FAULTS, Fault
from ops.restore.faults.statements import Statement
from ops.restore.source import ROOM
from ops.schema import definitions as questions
from tests.unit.restore.sources import drilled

FOLDER = sql.ROOT / "faults"
CODE = Path(restore.__file__).parent
STEMS = sorted(path.stem for path in FOLDER.glob("*.sql"))
CHECKS = {
    *questions.EQUAL,
    *("restored", "application", "heartbeat", "sequences", "counts", "content", "backups"),
    "objects",
    *("migrations", "sequence_reach", "orphans", "amcheck"),
}


def test_there_are_more_faults_than_anybody_asked_for() -> None:
    assert len(FAULTS) >= 75
    assert sum(name.startswith("silent-") and name.endswith("-wal") for name in FAULTS) >= 3


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
def test_a_fault_is_whole(fault: Fault) -> None:
    stages = (
        *(fault.base, fault.archive, fault.moment, fault.copy, fault.restored),
        fault.runs,
    )
    assert sum(stage is not None for stage in stages) == 1
    assert fault.seen_by in CHECKS
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", fault.name)
    assert len(fault.name) <= 24
    assert len(fault.what) <= 40
    if fault.base is not None or fault.archive is not None:
        assert fault.local


@pytest.mark.parametrize("stem", STEMS)
def test_a_statement_says_what_it_asks_and_needs_and_is_used(stem: str) -> None:
    lines = (FOLDER / f"{stem}.sql").read_text().splitlines()
    head = " ".join(line for line in lines if line.startswith("--"))
    assert re.search(r"\bNeeds\b", head)
    text = "".join(path.read_text() for path in CODE.rglob("*.py"))
    used = {fault.copy.stem for fault in FAULTS.values() if isinstance(fault.copy, Statement)}
    used |= {"files_of_table", "files_of_index"}
    assert stem in used or f'"faults/{stem}"' in text


def test_every_statement_has_its_file() -> None:
    for fault in FAULTS.values():
        if isinstance(fault.copy, Statement):
            assert fault.copy.stem in STEMS


def test_an_unknown_fault_lists_them_in_lines_that_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(inject.UnknownFaultError) as caught:
        inject.named("?", drilled(tmp_path))
    lines = str(caught.value).splitlines()
    assert max(map(len, lines)) <= 100
    told = " ".join(lines[1:])
    assert all(re.search(rf"\b{name}\b", told) for name in FAULTS)


def test_faults_of_files_are_refused_on_cloud_stacks(tmp_path: Path) -> None:
    cloud = replace(drilled(tmp_path), stack="staging")
    assert inject.named("", cloud) is None
    assert inject.named("altered-row", cloud) is FAULTS["altered-row"]
    with pytest.raises(inject.LocalFaultError, match="stack staging") as caught:
        inject.named("broken-index", cloud)
    assert "missing-wal" not in str(caught.value)


def test_garbled_pages_keep_their_headers(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(3 * damage.PAGE_BYTES))
    damage.garble(path)
    content = path.read_bytes()
    assert len(content) == 3 * damage.PAGE_BYTES
    assert content.count(255) == 3
    assert content[:40] == bytes(40)


def test_zeros_and_cuts(tmp_path: Path) -> None:
    path = tmp_path / "file"
    whole = b"x" * (4 * damage.PAGE_BYTES)
    path.write_bytes(whole)
    damage.zero_page(1)(path)
    assert path.read_bytes().count(0) == damage.PAGE_BYTES
    path.write_bytes(whole)
    damage.zero_segment(path)
    assert path.read_bytes() == b"x" * 40 + bytes(len(whole) - 40)
    damage.halve(path)
    assert path.stat().st_size == 2 * damage.PAGE_BYTES
    damage.empty(path)
    assert path.stat().st_size == 0


def test_a_spoiled_file_is_put_back_and_its_links_were_never_touched(tmp_path: Path) -> None:
    source = drilled(tmp_path / "store")
    segment, link = tmp_path / "000000010000000000000007", tmp_path / "link"
    segment.write_bytes(b"x" * damage.PAGE_BYTES)
    link.hardlink_to(segment)
    journal = Journal(source.store, ROOM, "run")
    cleanup.spoil(journal, segment, damage.garble)
    assert segment.read_bytes() != link.read_bytes()
    (entry,) = journal.entries()
    cleanup.put_back(entry)
    assert segment.samefile(link)
    cleanup.put_back(entry)
    assert segment.read_bytes() == b"x" * damage.PAGE_BYTES
    assert sorted(path.name for path in tmp_path.iterdir()) == [segment.name, "link", "store"]


@pytest.mark.parametrize("moment", ["intended", "moved", "copied"])
def test_wherever_it_was_killed_the_file_comes_back(tmp_path: Path, moment: str) -> None:
    source = drilled(tmp_path / "store")
    segment = tmp_path / "000000010000000000000007"
    segment.write_bytes(b"whole")
    journal = Journal(source.store, ROOM, "run")
    away = tmp_path / f".hidden-{segment.name}"
    journal.intend(cleanup.HIDING, segment.name, path=str(segment), away=str(away))
    if moment != "intended":
        segment.rename(away)
    if moment == "copied":
        away.with_name(f"{away.name}.spoiled").write_bytes(b"half of it")
    cleanup.undo(source, journal)
    assert segment.read_bytes() == b"whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == [segment.name, "store"]


def test_what_the_drill_is_told_of_backups_is_spoiled() -> None:
    from ops.backupruns import freshness
    from ops.checks.result import State
    from ops.cloudsql import BackupRun

    now = datetime.now(UTC)
    taken = now - timedelta(hours=1)
    good = BackupRun("7", "db", "SUCCESSFUL", "AUTOMATED", "", taken, taken, "")
    for name in ("stale-backup", "failed-backup"):
        spoil = FAULTS[name].runs
        assert spoil is not None
        assert freshness([good], now).state is State.OK
        assert freshness(spoil([good]), now).state is State.FINDING
