"""What restores for real decide before anything is touched."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops.cloudsql import BackupRun, Instance, RecoveryWindow, model
from ops.errors import OpsError
from ops.evidence import born, run_name
from ops.guard import SameInstanceError
from ops.journal import BadEntryError, Journal
from ops.restore.drill.plan import is_drill_copy
from ops.restore.recovery import body, order, refusals
from ops.restore.recovery.order import RUN_LABEL, Order, Request, Task
from ops.restore.recovery.plan import Plan, decide
from ops.restore.recovery.situation import Drilled, Situation
from ops.shortlived import NAME_LIMIT
from ops.store import FolderStore

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SETTINGS: Mapping[str, Any] = {
    "tier": "db-custom-2-7680",
    "availabilityType": "REGIONAL",
    "activationPolicy": "ALWAYS",
    "settingsVersion": "7",
    "deletionProtectionEnabled": True,
    "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True},
    "databaseFlags": [{"name": "max_connections", "value": "50"}],
    "locationPreference": {"zone": "asia-east1-a", "secondaryZone": "asia-east1-b"},
    "userLabels": {"app": "ai-square"},
}


def instance(**settings: object) -> Instance:
    whole = {"region": "asia-east1", "databaseVersion": "POSTGRES_15"}
    return Instance(
        "db", "RUNNABLE", "10.0.0.1", "p:r:db", "POSTGRES_15", 7,
        deletion_protection=True,
        body={**whole, "name": "db", "etag": "x", "settings": {**SETTINGS, **settings}},
    )  # fmt: skip


def backup(number: int, status: str = "SUCCESSFUL") -> BackupRun:
    began = NOW - number * HOUR
    return model.backup_run(
        {
            "id": str(number),
            "instance": "db",
            "status": status,
            "startTime": began.isoformat(),
            "endTime": (began + timedelta(seconds=40)).isoformat(),
            **({"error": {"message": "disk full"}} if status == "FAILED" else {}),
        }
    )


THERE = Situation(
    stack="prod",
    project="project",
    now=NOW,
    instance=instance(),
    names=frozenset({"db", "other"}),
    backups=(backup(1, "FAILED"), backup(2), backup(3)),
    window=RecoveryWindow(NOW - 24 * HOUR, NOW - timedelta(minutes=5)),
    sessions=12,
    heartbeat=NOW - timedelta(minutes=9),
    drilled=Drilled(3, 300.0, "260101000000-ab12", "pass"),
)
NEW, PITR, OVER = Request(Task.TO_NEW), Request(Task.PITR), Request(Task.IN_PLACE, backup="2")


def test_to_new_takes_the_newest_good_backup_and_says_what_it_costs() -> None:
    plan = decide(NEW, THERE, None)
    assert plan.order.backup == "2"
    assert plan.order.instance == "db-restored-260504-120000"
    assert not is_drill_copy(plan.order.instance, "db", "project")
    text = "\n".join(map(str, plan.blocks()))
    for words in ("REGIONAL", "protected", "Not carried over", "2 h ago", "300 s", "paid"):
        assert words in text
    assert "ZONAL" in str(decide(replace(NEW, zonal=True), THERE, None).steps)


@pytest.mark.parametrize(
    ("drilled", "words"),
    [
        (Drilled(3, 300.0, "r1", "pass"), "By drill r1 (which passed) it takes about 300 s."),
        (Drilled(3, 300.0, "r1", "unknown"), "By drill r1 (verdict unknown) it takes about"),
        (Drilled(3, 300.0, "r1", "pass", is_doubtful=True), "drills can't be trusted: see"),
        (Drilled(3), "none of 3 restore drills on record measured it"),
        (Drilled(), "no restore drill left evidence"),
    ],
)
def test_the_expected_time_says_where_it_is_from(drilled: Drilled, words: str) -> None:
    plan = decide(NEW, replace(THERE, drilled=drilled), None)
    assert words in "\n".join(map(str, plan.blocks()))


def test_a_restore_that_goes_on_says_nothing_of_drills() -> None:
    plan = Plan(decide(NEW, THERE, None).order, ("go on",), (), None)
    assert "drill" not in "\n".join(map(str, plan.blocks()))


def test_in_place_says_what_is_lost_and_who_is_thrown_out() -> None:
    plan = decide(OVER, THERE, None)
    text = "\n".join(map(str, plan.blocks()))
    assert plan.order.instance == plan.order.source == "db"
    for words in ("back up db first", "2 h ago) is lost", "12 now", "11:51:00", "can't be"):
        assert words in text
    assert plan.estimate_s == 340.0
    silent = decide(OVER, replace(THERE, sessions=None, heartbeat=None), None)
    assert "not known" in str(silent.costs)
    reason = decide(replace(OVER, no_backup_first="its disk is full"), THERE, None)
    assert reason.steps[0] == "take no backup first: its disk is full"


def test_in_place_deletes_replicas_only_when_told() -> None:
    replicated = replace(
        THERE, instance=replace(instance(), body={**instance().body, "replicaNames": ["r1", "r2"]})
    )
    with pytest.raises(refusals.ReplicasError, match=r"r1, r2.*--delete-replicas"):
        decide(OVER, replicated, None)
    plan = decide(replace(OVER, delete_replicas=True), replicated, None)
    assert plan.order.replicas == ("r1", "r2")
    assert "delete the read replica r2" in plan.steps


@pytest.mark.parametrize(
    ("ago", "pass_by"),
    [(HOUR, ""), (timedelta(minutes=5), ""), (timedelta(seconds=1), "commit one empty")],
)
def test_a_moment_past_the_last_archived_commit_needs_one_behind_it(
    ago: timedelta, pass_by: str
) -> None:
    plan = decide(PITR, THERE, NOW - ago)
    assert (plan.order.moment, plan.order.pass_by) == (NOW - ago, bool(pass_by))
    assert plan.steps[0].startswith(pass_by or "clone db as of")


def test_the_latest_moment_is_what_the_api_says() -> None:
    assert decide(PITR, THERE, None).order.moment == NOW - timedelta(minutes=5)


OFF = {"enabled": True, "pointInTimeRecoveryEnabled": False}


@pytest.mark.parametrize(
    ("request_", "there", "moment", "error", "words"),
    [
        (PITR, {}, NOW + HOUR, refusals.FutureError, "--to latest"),
        (PITR, {}, NOW - 25 * HOUR, refusals.OutsideWindowError, "2026-05-03T12:00:00.000Z to"),
        (PITR, {"sessions": None}, NOW, refusals.NotArchivedError, "11:55:00.000Z"),
        (PITR, {"window": None}, None, refusals.NothingArchivedError, "to-new"),
        (
            PITR,
            {"instance": instance(backupConfiguration=OFF)},
            NOW,
            refusals.NoRecoveryError,
            "-s",
        ),
        (PITR, {"instance": instance(activationPolicy="NEVER")}, NOW, refusals.StoppedError, "ALW"),
        (OVER, {"instance": instance(activationPolicy="NEVER")}, NOW, refusals.StoppedError, "ALW"),
        (replace(NEW, backup="9"), {}, None, refusals.UnknownBackupError, "first: 2, 3"),
        (replace(NEW, backup="1"), {}, None, refusals.UnusableBackupError, "FAILED .disk full"),
        (NEW, {"backups": (backup(1, "FAILED"),)}, None, refusals.NoBackupError, "restore.pitr"),
        (replace(OVER, backup=""), {}, None, refusals.NoBackupNamedError, "--backup ID"),
        (replace(NEW, name="other"), {}, None, refusals.NameTakenError, "already"),
        (replace(NEW, name="Other"), {}, None, refusals.BadNameError, "lower-case"),
        (replace(NEW, name="x" * 91), {}, None, refusals.BadNameError, "at most 90"),
        (replace(NEW, name="db"), {}, None, SameInstanceError, "same instance"),
        (replace(PITR, name="db-drill-1"), {}, NOW, refusals.DrillNameError, "swept"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(
    request_: Request,
    there: Mapping[str, Any],
    moment: datetime | None,
    error: type[OpsError],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        decide(request_, replace(THERE, **there), moment)


def test_a_stopped_source_is_no_obstacle_to_a_new_instance() -> None:
    stopped = instance(activationPolicy="NEVER")
    assert decide(NEW, replace(THERE, instance=stopped), None).order.backup == "2"
    made = body.new_instance(stopped, "new", "run-1", zonal=False)
    assert made["settings"]["activationPolicy"] == "ALWAYS"


def test_a_long_name_is_cut_to_fit_the_project() -> None:
    long = replace(THERE, instance=replace(instance(), name="d" * 90))
    name = decide(NEW, long, None).order.instance
    assert len(f"project:{name}") == NAME_LIMIT
    assert name.endswith("-restored-260504-120000")


def test_a_new_instance_is_as_its_source_but_for_its_name_and_label() -> None:
    made = body.new_instance(instance(), "new", "run-1", zonal=False)
    expected = {**SETTINGS, "userLabels": {"app": "ai-square", RUN_LABEL: "run-1"}}
    del expected["settingsVersion"]
    assert made["settings"] == expected
    assert "etag" not in made
    zonal = body.new_instance(instance(), "new", "run-1", zonal=True)["settings"]
    assert zonal["availabilityType"] == "ZONAL"
    assert zonal["locationPreference"] == {"zone": "asia-east1-a"}


def test_only_what_a_clone_lacks_is_set() -> None:
    labels = {"app": "ai-square", RUN_LABEL: "run-1"}
    whole = instance(userLabels=labels)
    assert body.lacking(instance(), whole, "run-1", zonal=False) == {}
    bare = instance(userLabels={}, availabilityType="ZONAL", deletionProtectionEnabled=False)
    lacks = body.lacking(instance(), bare, "run-1", zonal=False)["settings"]
    assert lacks == {
        "availabilityType": "REGIONAL",
        "deletionProtectionEnabled": True,
        "userLabels": labels,
        "locationPreference": SETTINGS["locationPreference"],
    }


def test_an_order_outlives_its_process(tmp_path: Path) -> None:
    journal = Journal(FolderStore(tmp_path), order.ROOM, run_name(NOW))
    assert order.read(journal) is None
    wrote = Order(
        Request(Task.IN_PLACE, backup="2"), "prod", "db", "db", "2", NOW - HOUR, replicas=("r",)
    )
    journal.intend("plan", "db", **wrote.facts())
    assert order.read(journal) == wrote
    assert born(journal.run) == NOW
    (tmp_path / "journal" / order.ROOM / journal.run / "0001.json").write_text(
        '{"number": 1, "action": "plan", "object": "db"}'
    )
    with pytest.raises(BadEntryError):
        order.read(journal)


def test_a_second_call_may_leave_out_but_not_contradict() -> None:
    earlier = Request(Task.PITR, to="5 minutes ago", zonal=True)
    assert Request(Task.PITR).agrees(earlier)
    assert earlier.agrees(earlier)
    assert not Request(Task.PITR, to="latest").agrees(earlier)
    assert not Request(Task.PITR, name="other").agrees(earlier)
