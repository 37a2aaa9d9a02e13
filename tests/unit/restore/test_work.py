"""What a failure in one thread of a copy's verification means for the drill."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.checks.crew import Crew, StoppedError
from ops.checks.result import State
from ops.cloudsql import BackupRun, CloudSql, Instance, Operation
from ops.console import Silent
from ops.errors import OpsError
from ops.journal import Journal
from ops.restore.copies import CopyPlan, Kind, Made
from ops.restore.drill import work as work_module
from ops.restore.drill.options import Options
from ops.restore.drill.plan import DrillPlan
from ops.restore.drill.stages import Decided, DrillStart
from ops.restore.drill.work import CopyJob, Work
from ops.restore.proof import verify
from ops.restore.proof.marker import Marker
from ops.restore.source import ROOM, Source
from tests.unit.restore.sources import drilled

RUN = "260102030405-ab12"


class FullError(OpsError):
    """A query of one lane failed."""

    def __init__(self) -> None:
        super().__init__("No space left on device.")


def _work(source: Source, crew: Crew, copy: CopyPlan) -> Work:
    begun = DrillStart(source, RUN, datetime.now(UTC))
    decided = Decided(DrillPlan(RUN, (copy,), {}, ()))
    journal = Journal(source.store, ROOM, RUN)
    return Work(source, Options(), None, begun, decided, journal, crew, Silent())


def _verify(folder: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception) -> CopyJob:
    """Verify a copy of which one lane fails, and the rest notices at its next step."""

    def backup(part: Crew, *_: object, **__: object) -> None:
        def fail() -> None:
            raise failure

        part.start("lane", fail).exception()
        part.check()

    monkeypatch.setattr(verify, "backup", backup)
    source, crew = drilled(folder), Crew()
    work = _work(source, crew, CopyPlan(Kind.BACKUP, "db-b1"))
    (job,) = work.jobs
    work._verified(crew.part(), job, Made(job.plan, None, ()))
    crew.check()
    return job


def test_a_lane_that_fails_leaves_its_copy_unknown_and_tells_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = _verify(tmp_path, monkeypatch, FullError()).results
    assert (found.check, found.state) == ("verified", State.UNKNOWN)
    assert found.detail == "No space left on device."
    assert found.remedy == work_module.AGAIN


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    ("code", "state"),
    [("OPERATION_INTERRUPTED", State.UNKNOWN), ("ERROR_RDBMS", State.FINDING)],
)
def test_a_service_that_was_stopped_says_nothing_of_either_copy(
    tmp_path: Path, kind: Kind, code: str, state: State
) -> None:
    class Cloud(CloudSql):
        def find(self, name: str) -> Instance | None:
            return Instance(name, "RUNNABLE", "", "", "POSTGRES_15", 1, False, {})  # noqa: FBT003 - a record

        def insert(self, body: object) -> Operation:  # noqa: ARG002 - the API's signature
            return Operation("1", "CREATE", "DONE", "db", None, None, None, (), "")

        def clone(self, *_: object) -> Operation:
            errors = ((code, "It was stopped."),)
            return Operation("2", "CLONE", "DONE", "db", None, None, None, errors, "")

        def restore_backup(self, source: str, backup_id: str, to: str) -> Operation:
            return self.clone(source, backup_id, to)

    source = drilled(tmp_path, Cloud("project", "http://127.0.0.1:1"))
    crew = Crew()
    backup = BackupRun("1", "db", "SUCCESSFUL", "AUTOMATED", "", None, None, "")
    work = _work(source, crew, CopyPlan(kind, "db-x", backup if kind is Kind.BACKUP else None))
    work.marked.set_result(Marker.__new__(Marker))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work_module, "_moment", lambda *_: datetime.now(UTC))
        verified = work._verify(crew.part(), work.jobs[0])
    assert {result.check: result.state for result in verified.checks} == {"restored": state}


def test_a_bug_in_a_lane_is_no_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LookupError):
        _verify(tmp_path, monkeypatch, LookupError())


def test_a_drill_given_up_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        crew.stop()
        crew.check()

    crew = Crew()
    monkeypatch.setattr(verify, "backup", stopped)
    source = drilled(tmp_path)
    work = _work(source, crew, CopyPlan(Kind.BACKUP, "db-b1"))
    (job,) = work.jobs
    with pytest.raises(StoppedError):
        work._verified(crew.part(), job, Made(job.plan, None, ()))
    assert job.results == []
