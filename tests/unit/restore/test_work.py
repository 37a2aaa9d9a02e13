"""What a failure in one thread of a copy's verification means for the drill."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.console import Silent
from ops.errors import OpsError
from ops.journal import Journal
from ops.restore.copies import CopyPlan, Kind, Made
from ops.restore.crew import Crew, StoppedError
from ops.restore.drill import work
from ops.restore.drill.course import CopyCourse, Course
from ops.restore.drill.options import Options
from ops.restore.drill.work import Work
from ops.restore.proof import verify
from ops.restore.source import ROOM
from ops.results import State
from tests.unit.restore.sources import drilled

RUN = "260102030405-ab12"


class FullError(OpsError):
    """A query of one lane failed."""

    def __init__(self) -> None:
        super().__init__("No space left on device.")


def _verify(folder: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception) -> CopyCourse:
    """Verify a copy of which one lane fails, and the rest notices at its next step."""

    def backup(part: Crew, *_: object, **__: object) -> None:
        def fail() -> None:
            raise failure

        part.start("lane", fail).exception()
        part.check()

    monkeypatch.setattr(verify, "backup", backup)
    source, crew = drilled(folder), Crew()
    course = Course(source, RUN, datetime.now(UTC))
    journal = Journal(source.store, ROOM, RUN)
    one = CopyCourse(CopyPlan(Kind.BACKUP, "db-b1"))
    whole = Work(source, Options(), None, course, journal, crew, Silent())
    whole._verified(crew.part(), one, Made(one.plan, None, ()))
    crew.check()
    return one


def test_a_lane_that_fails_leaves_its_copy_unknown_and_tells_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = _verify(tmp_path, monkeypatch, FullError()).found
    assert (found.check, found.state) == ("verified", State.UNKNOWN)
    assert found.detail == "No space left on device."
    assert found.remedy == work.AGAIN


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
    course = Course(source, RUN, datetime.now(UTC))
    one = CopyCourse(CopyPlan(Kind.BACKUP, "db-b1"))
    journal = Journal(source.store, ROOM, RUN)
    whole = Work(source, Options(), None, course, journal, crew, Silent())
    with pytest.raises(StoppedError):
        whole._verified(crew.part(), one, Made(one.plan, None, ()))
    assert one.found == []
