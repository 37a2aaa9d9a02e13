from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ops.checks.result import State
from ops.cloudsql import Operation
from ops.restore.copies import CopyPlan, Kind, Made
from ops.restore.drill import timing
from ops.restore.drill.timing import Loss

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _operation(queued_s: float, ran_s: float) -> Operation:
    started = NOW + timedelta(seconds=queued_s)
    ended = started + timedelta(seconds=ran_s)
    return Operation("1", "CLONE", "DONE", "x", NOW, started, ended, (), "")


MADE = Made(CopyPlan(Kind.BACKUP, "x"), None, (_operation(1, 20), _operation(2, 30)), 0.5, 0.25)


def test_phases_are_the_operations_own_times_and_ours_after_them() -> None:
    found = timing.phases(MADE, 4)
    assert found.by_name() == {
        "queue": 3,
        "create": 20,
        "restore": 30,
        "start": 0.5,
        "first_query": 0.25,
        "verified": 4,
    }
    assert found.total == 57.75
    assert found.document()["total"] == 57.75


def test_an_operation_without_times_takes_none() -> None:
    bare = replace(_operation(0, 0), inserted=None, started=None, ended=None)
    assert timing.phases(replace(MADE, operations=(bare,)), 0).restore == 0


def test_rto_is_held_against_its_target() -> None:
    found = timing.phases(MADE, 4)
    assert timing.rto(found, 60).state is State.OK
    assert timing.rto(found, 57).state is State.FINDING
    assert timing.rto(None, 60).state is State.UNKNOWN


def test_rpo_is_the_age_of_the_newest_heartbeat_at_the_failure() -> None:
    loss = Loss(NOW, NOW - timedelta(seconds=2), None)
    assert loss.seconds == 2
    assert timing.rpo(loss, 2).state is State.OK
    assert timing.rpo(loss, 1).state is State.FINDING
    assert timing.rpo(Loss(NOW, None, None), 1).state is State.UNKNOWN
    assert timing.rpo(None, 1).state is State.UNKNOWN
