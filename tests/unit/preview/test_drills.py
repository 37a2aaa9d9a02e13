"""What the last restore drill covers, as a preview says it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.preview.drills import DRILL, covers
from ops.evidence import Evidence, head, key, write
from ops.evidence.formats import CURRENT
from ops.evidence.identity import Identity
from ops.store import FolderStore

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DB = Identity("db-prod", "project", datetime(2026, 1, 1, tzinfo=UTC))
GOOD = "The last restore drill (3 days ago) ended with pass, RTO 61.2 s, RPO 2.5 s."


def record(store: FolderStore, run: str, instance: Identity | None = DB, **changed: object) -> None:
    state = {"pass": "ok", "fail": "finding"}.get(str(changed.get("verdict", "pass")), "unknown")
    drill = {
        "run": run,
        "stack": "prod",
        "source": DB.name if instance is None else instance.name,
        "verdict": "pass",
        "started": "2026-11-20T02:50:00+00:00",
        "ended": "2026-11-20T03:00:00+00:00",
        "rto_s": {"restore": 40.0, "total": 61.25},
        "rpo_s": 2.5,
        "checks": [{"check": "content", "state": state}],
        **changed,
    }
    write(store, Evidence(DRILL, run, run, drill, ("Read.",), {}, {}, instance))


def sentence(store: FolderStore, whose: Identity = DB) -> str:
    return covers(store, whose, "prod", NOW)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    store = FolderStore(tmp_path)
    record(store, "a1", verdict="fail", rto_s=None, rpo_s=None)
    return store


def test_the_newest_drill_is_told(store: FolderStore) -> None:
    record(store, "a2")
    assert sentence(store) == GOOD


def test_what_was_not_measured_is_left_out(store: FolderStore) -> None:
    record(store, "a2", rto_s=None, rpo_s=None, verdict="unknown")
    assert sentence(store) == "The last restore drill (3 days ago) ended with unknown."


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"format": 2, "drill": {}}'])
def test_evidence_that_can_t_be_read_is_said(store: FolderStore, content: bytes) -> None:
    store.put(key(DRILL, "a2"), content)
    assert "can't be read" in sentence(store)


def test_a_drill_without_an_end_is_said(store: FolderStore) -> None:
    record(store, "a2", ended="yesterday")
    assert "does not say when it ended" in sentence(store)


def test_a_record_of_a_newer_format_is_not_taken_for_a_pass(store: FolderStore) -> None:
    record(store, "a2")
    path = store.root / key(DRILL, "a2")
    path.write_text(path.read_text().replace(f'"format": {CURRENT}', '"format": 99'))
    told = sentence(store)
    assert "can't be read: it has format 99" in told
    assert "pass" not in told


def test_a_drill_with_an_injected_fault_is_passed_over(store: FolderStore, tmp_path: Path) -> None:
    record(store, "a2", injected="lost-row")
    assert sentence(store) == "The last restore drill (3 days ago) ended with fail."
    only = FolderStore(tmp_path / "only")
    record(only, "a2", injected="lost-row")
    assert "nobody knows here" in sentence(only)


def test_no_evidence_proves_nothing(tmp_path: Path) -> None:
    told = sentence(FolderStore(tmp_path))
    assert "nobody knows here that a backup can be restored" in told


OTHERS = {
    "another name": Identity("db-other", "project", DB.created),
    "another project": Identity("db-prod", "elsewhere", DB.created),
    "an earlier one": Identity("db-prod", "project", NOW - timedelta(days=400)),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_a_drill_of_another_instance_is_passed_over(
    store: FolderStore, tmp_path: Path, other: Identity
) -> None:
    record(store, "a2", other)
    assert sentence(store) == "The last restore drill (3 days ago) ended with fail."
    only = FolderStore(tmp_path / "only")
    record(only, "a2", other)
    told = sentence(only)
    assert told.startswith("None of 1 restore drills is of db-prod of project project, created")
    assert "pass" not in told


def test_a_drill_from_before_the_instance_was_made_is_of_another(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    record(store, "a2", None)  # as older records are: they know the name alone
    assert sentence(store) == GOOD
    anew = Identity("db-prod", "project", NOW - timedelta(days=1))
    assert sentence(store, anew).startswith("None of 1 restore drills is of db-prod")


def test_an_instance_of_unknown_age_is_said(store: FolderStore) -> None:
    record(store, "a2")
    told = sentence(store, Identity("db-prod", "project", None, "The API answers 403. Log in."))
    assert (
        told
        == f"{GOOD} It may have been of an earlier instance called db-prod: The API answers 403."
    )


def test_a_broken_chain_is_not_trusted(store: FolderStore) -> None:
    record(store, "a2")
    path = store.root / key(DRILL, "a1")
    path.write_text(path.read_text().replace('"fail"', '"pass"'))
    told = sentence(store)
    assert told.startswith(f"{GOOD} But the records of restore drills are not whole")
    assert "changed: evidence/restore-drill/a1.json" in told


def test_a_lost_head_is_not_trusted(store: FolderStore) -> None:
    record(store, "a2")
    store.delete(head.head_key(DRILL))
    assert "are not whole, so this proves nothing: missing: the head" in sentence(store)
    record(store, "a3")
    assert "can't be verified, so this proves nothing" in sentence(store)


def test_records_of_another_stack_are_not_trusted(store: FolderStore) -> None:
    record(store, "a2", stack="staging")
    assert "it is a record of stack staging, not of prod" in sentence(store)
