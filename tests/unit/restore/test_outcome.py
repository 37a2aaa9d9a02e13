"""The report of a drill that is cut short: nothing is claimed, nothing found is lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.checks.crew import Crew, StoppedError
from ops.checks.result import CheckResult, State, exit_code
from ops.cloudsql import Operation
from ops.console import Silent
from ops.errors import OpsError, Terminated
from ops.restore.copies import CopyPlan, Kind, Made
from ops.restore.drill import perform as drill
from ops.restore.drill.outcome import report
from ops.restore.drill.perform import Options
from ops.restore.drill.plan import DrillPlan
from ops.restore.drill.stages import Cleaned, Copy, Decided, DrillStart, Stages, Verified
from ops.store import FolderStore, StoreFullError
from tests.unit.restore.sources import drilled

RUN = "260102030405-ab12"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OPERATION = Operation("1", "CLONE", "DONE", "x", NOW, NOW, NOW + timedelta(seconds=3), (), "")


BACKUP, CLONE = CopyPlan(Kind.BACKUP, "db-b1"), CopyPlan(Kind.CLONE, "db-c")


def _stages(folder: Path, *copies: Copy) -> Stages:
    begun = DrillStart(drilled(folder), RUN, NOW)
    decided = Decided(DrillPlan(RUN, (BACKUP, CLONE), {}, ()))
    return Stages(begun, decided, Verified(copies or (Copy(BACKUP), Copy(CLONE))))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyboardInterrupt(), "Ctrl-C"),
        (Terminated(), "SIGTERM"),
        (StoreFullError(Path("x"), "full"), "Can't write x: full"),
        (ValueError("no\nnumber"), "ValueError: no number"),
    ],
)
def test_what_cut_a_drill_short_is_a_check(tmp_path: Path, error: BaseException, told: str) -> None:
    restored = Copy(BACKUP, checks=(CheckResult("restored", State.OK, 1, 1, "answers"),))
    found = report(_stages(tmp_path, restored, Copy(CLONE)), "", error)
    assert found.verdict == "unknown"
    (completed,) = (one.result for one in found.checks if one.result.check == "completed")
    assert completed.state is State.UNKNOWN
    assert told in completed.detail
    assert [one.copy for one in found.checks if one.result.check == "restored"] == ["backup"]


def test_a_finding_made_before_stays_a_finding_and_times_so_far_are_told(tmp_path: Path) -> None:
    lost = (CheckResult("heartbeat", State.FINDING, 3, 3, "lost"),)
    clone = Copy(CLONE, made=Made(CLONE, None, (OPERATION,), 0.5, 0.25), checks=lost)
    found = report(_stages(tmp_path, Copy(BACKUP), clone), "", KeyboardInterrupt())
    assert found.verdict == "fail"
    assert found.phases["clone"].restore == 3
    assert found.rto is None
    assert {one.result.check for one in found.checks} == {"heartbeat", "completed", "cleanup"}


def test_a_restore_over_its_target_is_a_finding(tmp_path: Path) -> None:
    copies = tuple(
        Copy(plan, made=Made(plan, None, (OPERATION,), 0.5, 0.25), verified_s=2)
        for plan in (BACKUP, CLONE)
    )
    found = report(_stages(tmp_path, *copies), "")
    results = {one.result.check: one.result.state for one in found.checks}
    assert results["rto"] is State.FINDING
    assert found.verdict == "fail"
    assert exit_code(found.state) == 3


def test_copies_are_not_called_removed_where_the_clean_up_was_cut_short(tmp_path: Path) -> None:
    cleaned = Cleaned(leftovers=("db-c: perhaps not removed",), complete=False)
    found = report(replace(_stages(tmp_path), cleaned=cleaned), "", KeyboardInterrupt())
    assert found.verdict == "unknown"
    assert found.leftovers == cleaned.leftovers


def test_a_drill_that_decided_nothing_claims_nothing(tmp_path: Path) -> None:
    found = report(Stages(DrillStart(drilled(tmp_path), RUN, NOW)), "", KeyboardInterrupt())
    assert found.verdict == "unknown"
    assert {one.result.check for one in found.checks} == {"completed", "cleanup"}
    assert (found.backups, found.clone, found.phases, found.loss) == ((), None, {}, None)


class Full(FolderStore):
    """A store that takes leases, and no evidence."""

    def put(self, key: str, content: bytes) -> None:
        if key.startswith("evidence"):
            raise StoreFullError(Path(key), "full")
        super().put(key, content)

    def create(self, key: str, content: bytes) -> bool:
        if key.startswith("evidence"):
            raise StoreFullError(Path(key), "full")
        return super().create(key, content)


class GoneError(OpsError):
    """The error that came first."""


@pytest.mark.parametrize("full", [False, True])
def test_the_first_error_goes_on_whether_evidence_can_be_written_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, full: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise GoneError("It is gone.")

    monkeypatch.setattr(drill, "sweep_held", fail)
    store = (Full if full else FolderStore)(tmp_path)
    with pytest.raises(GoneError):
        drill.perform(replace(drilled(tmp_path), store=store), Options(), Silent())
    assert len(store.keys("evidence")) == (0 if full else 3)  # record, page, head


def test_a_failure_of_one_thread_stops_the_others_and_is_the_one_told() -> None:
    crew = Crew()

    def fail() -> None:
        raise GoneError("It is gone.")

    job = crew.start("fails", fail)
    with pytest.raises(GoneError):
        crew.wait([job])
    with pytest.raises(StoppedError):
        crew.check()
