"""What the last restore drill covers, as a preview says it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.preview.drills import DRILL, covers
from ops.evidence import key
from ops.store import FolderStore

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def evidence(**changed: object) -> bytes:
    drill = {
        "verdict": "pass",
        "ended": "2026-11-20T03:00:00+00:00",
        "rto_s": {"restore": 40.0, "total": 61.25},
        "rpo_s": 2.5,
    }
    return json.dumps({"format": 1, "drill": drill | changed}).encode()


def said(folder: Path, content: bytes | None) -> str:
    store = FolderStore(folder)
    if content is not None:
        store.put(key(DRILL, "202611190000-0001"), evidence(verdict="fail"))
        store.put(key(DRILL, "202611200300-0001"), content)
    return covers(store, NOW)


def test_the_newest_drill_is_told(tmp_path: Path) -> None:
    assert said(tmp_path, evidence()) == (
        "The last restore drill (3 days ago) ended with pass, RTO 61.2 s, RPO 2.5 s."
    )


def test_what_was_not_measured_is_left_out(tmp_path: Path) -> None:
    told = said(tmp_path, evidence(rto_s=None, rpo_s=None, verdict="unknown"))
    assert told == "The last restore drill (3 days ago) ended with unknown."


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"drill": {}}', evidence(ended="yesterday")])
def test_evidence_that_can_t_be_read_is_said(tmp_path: Path, content: bytes) -> None:
    assert "can't be read" in said(tmp_path, content)


def test_a_drill_with_an_injected_fault_is_passed_over(tmp_path: Path) -> None:
    assert "ended with fail." in said(tmp_path, evidence(injected="lost-row")).replace(
        ", RTO 61.2 s, RPO 2.5 s", ""
    )
    only = FolderStore(tmp_path / "only")
    only.put(key(DRILL, "202611200300-0001"), evidence(injected="lost-row"))
    assert "nobody knows here" in covers(only, NOW)


def test_no_evidence_proves_nothing(tmp_path: Path) -> None:
    assert "nobody knows here that a backup can be restored" in said(tmp_path, None)
