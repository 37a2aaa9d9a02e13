"""Backups against an Admin API that is only a list."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops import target
from ops.backups.create import create, settle
from ops.backups.listing import listing
from ops.cloudsql import ApiError, BackupRun, CloudSql, Instance, Operation, OperationFailedError
from ops.console import Console, Format
from ops.guard import Consent, NotConfirmedError
from ops.invocation import Invocation
from ops.journal import unfinished

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Cloud(CloudSql):
    """One instance; a backup is done at the first look, unless it is to fail."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__("project", "http://127.0.0.1:1")
        self.errors, self.asked, self.refusal = errors, 0, ""
        self.interrupts = False
        self.begun: list[Operation] = []

    def operations(self, instance: str) -> tuple[Operation, ...]:  # noqa: ARG002 - the API's signature
        return tuple(self.begun)

    def find(self, name: str) -> Instance | None:
        return Instance(name, "RUNNABLE", "", "", "POSTGRES_15", 1, True, {})  # noqa: FBT003 - a record

    def create_backup(self, name: str, description: str) -> Operation:
        self.asked += 1
        if self.refusal:
            raise ApiError(f"back up {name} ({description})", 403, self.refusal, "No.")
        return Operation("op-1", "BACKUP_VOLUME", "RUNNING", name, NOW, NOW, None, (), "17")

    def operation(self, operation_id: str) -> Operation:
        if self.interrupts:
            raise KeyboardInterrupt
        ended = NOW + timedelta(seconds=2)
        return Operation(
            operation_id, "BACKUP_VOLUME", "DONE", "db", NOW, NOW, ended, self.errors, "17"
        )

    def backup_runs(self, name: str) -> tuple[BackupRun, ...]:
        ended = NOW + timedelta(seconds=2)
        return (
            BackupRun("18", name, "FAILED", "AUTOMATED", "", NOW, None, "no space left"),
            BackupRun("17", name, "SUCCESSFUL", "ON_DEMAND", "mine", NOW, ended, ""),
        )


def _run(cloud: Cloud, folder: Path, stack: str = "local") -> Invocation:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_CLOUDSQL_DIR", str(folder))
        patch.setenv("XDG_STATE_HOME", str(folder))
        run = Invocation(target.load(stack), Console(Format.TABLE, io.StringIO()))
    run.__dict__["cloud"] = cloud
    return run


def test_a_backup_is_waited_for_and_recorded(tmp_path: Path) -> None:
    run = _run(Cloud(), tmp_path)
    backup = create(run, "before the change")
    assert (backup.id, backup.operation, backup.seconds) == ("17", "op-1", 2.0)
    stored = run.target.store.get("backups/17.json")
    assert stored is not None
    record = json.loads(stored.content)
    assert record["operation"] == "op-1"
    assert record["description"] == "before the change"
    assert unfinished(run.target.store, "backup") == ()
    assert "run 17 (operation op-1)" in str(backup.blocks()[0])


def test_a_failed_backup_ends_with_the_apis_reason(tmp_path: Path) -> None:
    run = _run(Cloud(("ERROR", "No space left on device")), tmp_path)
    with pytest.raises(OperationFailedError, match="No space left on device") as raised:
        create(run, "x")
    assert raised.value.exit_code == 2
    assert unfinished(run.target.store, "backup") == ()
    assert run.target.store.keys("backups") == ()


def test_a_refused_backup_leaves_no_journal(tmp_path: Path) -> None:
    cloud = Cloud()
    cloud.refusal = "notAuthorized"
    run = _run(cloud, tmp_path)
    with pytest.raises(ApiError, match="notAuthorized"):
        create(run, "x")
    assert unfinished(run.target.store, "backup") == ()


def test_a_wait_cut_short_is_recorded_by_the_next(tmp_path: Path) -> None:
    cloud = Cloud()
    run = _run(cloud, tmp_path)
    cloud.interrupts = True
    with pytest.raises(KeyboardInterrupt):
        create(run, "cut short")
    assert run.target.store.keys("backups") == ()
    cloud.interrupts = False
    settle(run.target.store, cloud)
    stored = run.target.store.get("backups/17.json")
    assert stored is not None
    assert json.loads(stored.content)["description"] == "cut short"
    assert unfinished(run.target.store, "backup") == ()


def test_production_is_dry_until_it_is_confirmed(tmp_path: Path) -> None:
    cloud = Cloud()
    run = _run(cloud, tmp_path, "prod")
    assert "nothing was done" in str(create(run, "x").blocks()[0])
    with pytest.raises(NotConfirmedError):
        create(run, "x", Consent(yes=True, confirm="other"))
    assert cloud.asked == 0


def test_backups_are_listed_with_what_went_wrong(tmp_path: Path) -> None:
    out = io.StringIO()
    Console(Format.TABLE, out).show(listing(_run(Cloud(), tmp_path)))
    text = out.getvalue()
    assert "no space left" in text
    assert text.index("18") < text.index("17")
