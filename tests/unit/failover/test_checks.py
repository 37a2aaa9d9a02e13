"""What must hold of a failover: silent on one that went well, loud on each that did not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.checks.result import CheckResult, State
from ops.cloudsql import Operation
from ops.console import Table
from ops.failover import source as sources
from ops.failover.checks import judge
from ops.failover.course import Course, report
from ops.failover.leg import Followed, Leg
from ops.failover.measure import ReadBack
from ops.failover.prechecks import Precheck
from ops.failover.seen import Log
from ops.failover.standing import Server, Standing
from ops.restore.source import ROOM as RESTORE_DRILL
from tests.unit.failover.standing import STANDS, source
from tests.unit.findings import findings

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DONE = Operation("op-1", "FAILOVER", "DONE", "db", NOW, NOW, NOW + timedelta(seconds=9), (), "")
AFTER = replace(STANDS, zone="zone-c", secondary_zone="zone-b")
FIRST, LAST = Server("15.18", NOW, "s1", 3), Server("15.18", NOW + timedelta(minutes=1), "s1", 4)
FINE = Followed("db-r", reads=90, gap_s=0.1, errors={}, caught_up_s=0.2, timeline=4)


@pytest.fixture
def leg(tmp_path: Path) -> Leg:
    """A failover at 100 s, after which nobody wrote for 20 s."""
    pooled = Log("pool 1", pooled=True, acknowledged=[99.0, 100.5, 121.0, 125.0], failed=[101.0])
    direct = Log("direct", pooled=False, acknowledged=[99.0, 100.4, 120.5, 125.0])
    return Leg(
        source(tmp_path),
        "failover",
        "run-failover",
        STANDS,
        FIRST,
        logs=(pooled, direct),
        connected=[98.0, 120.8],
        asked=100.0,
        stopped=125.0,
        operation=DONE,
        read_back=ReadBack(8, (), (), pending=0, arrived=0, rows=8),
        after=AFTER,
        last=LAST,
        replicas=[FINE],
        redundant_s=44.0,
        ended=True,
    )


def found(leg: Leg, *, gap_s: float = 60, reconnect_s: float = 120) -> dict[str, State]:
    """Return what is not ok."""
    told = judge(leg, gap_s, reconnect_s)
    return {one.check: one.state for one in told if one.state is not State.OK}


def test_nothing_is_said_of_a_failover_that_went_well(leg: Leg) -> None:
    assert found(leg) == {}
    assert {one.check for one in judge(leg, 60, 120)} == {
        "operation",
        "took_over",
        "lost",
        "doubled",
        "write_gap",
        "reconnect",
        "replicas",
        "redundancy",
    }


def test_a_gap_over_the_target_is_found(leg: Leg) -> None:
    assert found(leg, gap_s=20) == {}
    assert found(leg, gap_s=19.9) == {"write_gap": State.FINDING}


def test_a_pool_that_is_slow_to_connect_again_is_found(leg: Leg) -> None:
    assert found(leg, reconnect_s=19) == {"reconnect": State.FINDING}


def test_writers_that_never_came_back_are_not_ok(leg: Leg) -> None:
    for log in leg.logs:
        del log.acknowledged[2:]
    leg.connected = [98.0]
    leg.stopped = 130.0
    assert found(leg) == {"write_gap": State.UNKNOWN, "reconnect": State.UNKNOWN}
    leg.stopped = 300.0
    assert found(leg) == {"write_gap": State.FINDING, "reconnect": State.FINDING}
    assert leg.document()["came_back"] is False


def test_a_lost_write_is_found_and_named(leg: Leg) -> None:
    leg.read_back = ReadBack(8, (("pool 1", 2), ("pool 1", 3)), (), pending=0, arrived=0, rows=6)
    assert found(leg) == {"lost": State.FINDING}
    (lost,) = (one for one in judge(leg, 60, 120) if one.check == "lost")
    assert lost.differences == ("pool 1: write 2 to 3",)
    assert leg.lost == 2


def test_a_doubled_write_is_found(leg: Leg) -> None:
    leg.read_back = ReadBack(8, (), (("pool 1", 2),), pending=0, arrived=0, rows=9)
    assert found(leg) == {"doubled": State.FINDING}


def test_what_nobody_could_read_back_is_unknown(leg: Leg) -> None:
    leg.read_back, leg.last, leg.blind = None, None, "Can't connect."
    unknown = {"took_over": State.UNKNOWN, "lost": State.UNKNOWN, "doubled": State.UNKNOWN}
    assert found(leg) == unknown
    assert leg.lost is None


@pytest.mark.parametrize(
    ("after", "last"),
    [
        (replace(AFTER, zone="zone-b"), LAST),
        (AFTER, replace(LAST, started=NOW)),
        (AFTER, replace(LAST, system="s2")),
    ],
)
def test_a_failover_that_moved_nothing_is_found(leg: Leg, after: Standing, last: Server) -> None:
    leg.after, leg.last = after, last
    assert found(leg) == {"took_over": State.FINDING}


def test_a_standby_that_recovers_the_same_timeline_took_over_too(leg: Leg) -> None:
    leg.last = replace(LAST, timeline=3)
    assert found(leg) == {}
    leg.last = replace(LAST, timeline=None, system="")
    (told,) = (one for one in judge(leg, 60, 120) if one.check == "took_over")
    assert "needs EXECUTE" in told.detail


def test_a_failed_operation_is_found_and_one_that_hangs_is_unknown(leg: Leg) -> None:
    leg.trouble = CheckResult("operation", State.FINDING, 1, 1, "it failed")
    assert found(leg)["operation"] is State.FINDING
    leg.trouble = CheckResult("operation", State.UNKNOWN, 0, 1, "it goes on")
    assert found(leg) == {"operation": State.UNKNOWN}
    assert {one.check for one in judge(leg, 60, 120)} & {"took_over", "redundancy"} == set()


def test_a_standby_that_stays_away_is_found(leg: Leg) -> None:
    leg.redundant_s = None
    assert found(leg) == {"redundancy": State.FINDING}
    leg.after = None
    assert found(leg)["redundancy"] is State.UNKNOWN


@pytest.mark.parametrize(
    ("followed", "state"),
    [
        (replace(FINE, gap_s=61.0), State.FINDING),
        (replace(FINE, caught_up_s=None), State.FINDING),
        (replace(FINE, caught_up_s=None, why="refused"), State.UNKNOWN),
    ],
)
def test_a_replica_that_does_not_follow_is_told(leg: Leg, followed: Followed, state: State) -> None:
    leg.replicas = [followed]
    assert found(leg) == {"replicas": state}
    leg.replicas = []
    assert found(leg) == {"replicas": State.NOT_APPLICABLE}


def test_a_drill_that_is_cut_short_tells_what_goes_on(leg: Leg) -> None:
    leg.ended, leg.read_back = False, None
    leg.operation = replace(DONE, status="RUNNING")
    course = Course(leg.source, "run", NOW, (), legs=[leg])
    told = report(course, "here", KeyboardInterrupt())
    assert told.verdict == "unknown"
    assert course.goes_on
    assert "gcloud sql operations wait op-1" in course.going_on()[0]
    assert "Ctrl-C" in str(told.document()["checks"])
    assert {"gap_ms", "lost", "reconnect_ms", "timeline", "leftovers"} <= told.document().keys()


def test_people_see_what_is_wrong_and_not_all_that_is_well(leg: Leg) -> None:
    well = CheckResult("login", State.OK, 1, 1, "the owner is let in")
    wrong = CheckResult(
        "replicas", State.FINDING, 1, 1, "behind", findings("r: 40 s"), remedy="Wait."
    )
    prechecks = tuple(Precheck(one, refuses=False) for one in (well, wrong))
    told = report(Course(leg.source, "run", NOW, prechecks, legs=[leg]), "here")
    table, figures, *lines = told.blocks()
    assert isinstance(table, Table)
    assert isinstance(figures, Table)
    assert [row[:3] for row in table.rows[:2]] == [
        ("before", "ready", "ok"),
        ("before", "replicas", "finding"),
    ]
    assert ("write gap, all clients (ms)", "20000") in figures.rows
    assert ("timeline", "3 to 4") in figures.rows
    assert lines[:3] == ["before, replicas: behind", "  - r: 40 s", "  Wait."]
    assert "no write for 20.000 s, 0 of 8 acknowledged writes lost" in str(lines[3])
    assert {"login", "replicas"} <= {row[1] for row in told.every_check().rows}
    assert (told.verdict, told.document()["failback"]) == ("fail", None)


def test_a_drill_that_asked_for_nothing_says_nothing_of_a_failover(leg: Leg) -> None:
    leg.asked = None
    assert judge(leg, 60, 120) == ()
    told = report(Course(leg.source, "run", NOW, (), legs=[leg]), "here", ValueError("x"))
    assert told.verdict == "unknown"
    assert told.document()["gap_ms"] is None


def test_restore_drills_hold_the_lease_that_is_taken_here() -> None:
    assert sources.RESTORE_DRILL == RESTORE_DRILL
