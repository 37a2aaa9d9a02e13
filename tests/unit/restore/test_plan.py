from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from ops.checks.result import State
from ops.cloudsql import BackupRun, Instance
from ops.evidence import run_name
from ops.restore.copies import Kind
from ops.restore.drill.plan import UnknownBackupError, born, choose, expires, is_drill_copy, plan
from ops.shortlived import NAME_LIMIT, copy_body, name_stem

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def _run(number: int, status: str = "SUCCESSFUL", age: timedelta = timedelta(hours=1)) -> BackupRun:
    return BackupRun(
        id=str(number),
        instance="db",
        status=status,
        type="AUTOMATED",
        description="",
        started=NOW - age,
        ended=NOW - age,
        error="disk full" if status == "FAILED" else "",
    )


def test_the_newest_successful_backup_is_chosen() -> None:
    runs = [_run(3, "FAILED"), _run(2), _run(1)]
    assert [run.id for run in choose("db", runs, latest=True, seed=1)] == ["2"]
    assert [run.id for run in choose("db", runs[:2], seed=1)] == ["2"]


def test_a_seed_draws_an_older_backup_always_the_same_one() -> None:
    runs = [_run(number) for number in range(9, 0, -1)]
    first = choose("db", runs, seed=7)
    assert first == choose("db", runs, seed=7)
    assert [first[0].id, len(first)] == ["9", 2]
    assert {choose("db", runs, seed=n)[1].id for n in range(40)} > {"1", "8"}


def test_a_backup_that_failed_cannot_be_named() -> None:
    with pytest.raises(UnknownBackupError, match="newest first: 2"):
        choose("db", [_run(3, "FAILED"), _run(2)], backup="3", seed=1)


def test_a_plan_tells_its_seed_and_what_it_passes_over() -> None:
    runs = [_run(5, "RUNNING"), _run(4), _run(3, "FAILED"), _run(2), _run(1)]
    name = run_name(NOW)
    found = plan("db", "project", runs, run=name, now=NOW, seed=3)
    assert (found.seed, found.drawn_from) == (3, 2)
    assert [copy.name.removeprefix(f"db-drill-{name}-") for copy in found.copies] == [
        "b1",
        "b2",
        "c",
    ]
    assert found.notes == (
        "Backup run 5 (AUTOMATED) is RUNNING; it is not restored",
        "Backup run 3 (AUTOMATED) is FAILED: disk full; it is not restored",
    )
    one = plan("db", "project", runs, run=name, now=NOW, latest=True)
    assert (one.seed, one.drawn_from, len(one.copies)) == (None, 0, 2)


def test_many_runs_passed_over_are_counted() -> None:
    runs = [_run(number, "FAILED") for number in range(9, 0, -1)]
    notes = plan("db", "project", runs, run=run_name(NOW), now=NOW).notes
    assert notes[-1] == "And 4 more runs that can't be restored"


def test_without_point_in_time_recovery_there_is_no_clone_and_that_is_a_finding() -> None:
    found = plan("db", "project", [_run(1)], run=run_name(NOW), now=NOW, point_in_time=False)
    assert [copy.kind for copy in found.copies] == [Kind.BACKUP]
    assert not found.clones
    states = {check.check: check.state for check in found.checks}
    assert states["point_in_time"] is State.FINDING


def test_a_copy_expires_as_its_label_says_else_a_day_after_its_drill_began() -> None:
    name = "db-drill-260504120000-0a1b-c"
    assert expires(name, {"drill-expires": "20260504t130000z"}) == NOW + timedelta(hours=1)
    assert expires(name, {}) == NOW + timedelta(hours=24)
    assert expires(name, {"drill-expires": "soon"}) == NOW + timedelta(hours=24)


def test_a_plan_names_labels_and_limits_its_copies() -> None:
    name = run_name(NOW)
    found = plan("db", "project", [_run(1)], run=name, now=NOW)
    assert [copy.kind for copy in found.copies] == [Kind.BACKUP, Kind.CLONE]
    assert [copy.name for copy in found.copies] == [f"db-drill-{name}-b1", f"db-drill-{name}-c"]
    assert found.labels["drill-expires"] == "20260505t120000z"
    assert born(found.copies[0].name) == NOW


def test_without_a_backup_nothing_is_restored_and_that_is_the_finding() -> None:
    found = plan("db", "project", [], run=run_name(NOW), now=NOW)
    assert found.copies == ()
    assert [check.state for check in found.checks] == [State.FINDING]


def test_a_long_name_is_cut_to_the_limit_and_stays_its_own() -> None:
    project, instance = "p" * 20, "i" * 77
    run = run_name(NOW)
    (backup, clone) = plan(instance, project, [_run(1)], run=run, now=NOW).copies
    assert len(f"{project}:{backup.name}") <= NAME_LIMIT
    assert is_drill_copy(clone.name, instance, project)
    assert not is_drill_copy(clone.name, f"{instance[:-1]}j", project)
    assert name_stem("i" * 60 + "a", project) != name_stem("i" * 60 + "b", project)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("db-drill-260504120000-0a1b-c", True),
        ("db-drill-260504120000-0a1b-b12", True),
        ("db-drill-260504120000-0a1b", False),
        ("db-drill-quarterly", False),
        ("db", False),
        ("other-db-drill-260504120000-0a1b-c", False),
        ("db-drill-260504120000-0a1b-c2", False),
    ],
)
def test_only_a_drills_own_names_are_taken_for_copies(name: str, is_one: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert is_drill_copy(name, "db", "project") is is_one


def test_a_copy_has_the_sources_machine_but_is_zonal_and_unprotected() -> None:
    settings: Mapping[str, object] = MappingProxyType(
        {
            "tier": "db-custom-2-7680",
            "availabilityType": "REGIONAL",
            "deletionProtectionEnabled": True,
            "databaseFlags": [{"name": "work_mem", "value": "8192"}],
            "settingsVersion": "3",
        }
    )
    body = {"region": "asia-east1", "databaseVersion": "POSTGRES_15", "settings": settings}
    source = Instance("db", "RUNNABLE", "10.0.0.3", "p:r:db", "POSTGRES_15", 3, True, body)  # noqa: FBT003 - a record
    copy = copy_body(source, "db-drill", {"drill": "x"})
    assert copy["name"] == "db-drill"
    assert copy["region"] == "asia-east1"
    own = copy["settings"]
    assert own["tier"] == "db-custom-2-7680"
    assert own["databaseFlags"] == settings["databaseFlags"]
    assert own["availabilityType"] == "ZONAL"
    assert own["deletionProtectionEnabled"] is False
    assert own["backupConfiguration"] == {"enabled": False}
    assert own["userLabels"] == {"drill": "x"}
    assert "settingsVersion" not in own
