"""What stands in a drill's way, against an Admin API that is only a dictionary."""

from dataclasses import replace
from pathlib import Path

import pytest

from ops.cloudsql import CloudSql, Instance, Operation, WaitTimeoutError
from ops.console import Silent
from ops.errors import OpsError
from ops.restore.copies import CopyPlan, Kind
from ops.restore.drill import preflight
from ops.restore.drill.preflight import (
    NotRunnableError,
    ReplicaSourceError,
    StoppedSourceError,
    TakenNameError,
    look,
    names_free,
)
from ops.restore.proof.marker import NoHeartbeatTableError
from ops.shortlived import name_stem
from tests.unit.restore.sources import drilled


class Lines(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


class Cloud(CloudSql):
    """One instance, in the states that it is told in turn."""

    def __init__(self, *states: str, busy: tuple[str, ...] = (), **body: object) -> None:
        super().__init__("project", "http://127.0.0.1:1")
        self.states, self.body, self.busy = list(states or ("RUNNABLE",)), body, busy

    def find(self, name: str) -> Instance | None:
        if name != "db":
            return None
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        body = {"settings": {}, **self.body}
        return Instance(name, state, "", "", "POSTGRES_15", 1, False, body)  # noqa: FBT003 - a record

    def operations(self, instance: str) -> tuple[Operation, ...]:
        return tuple(_operation(kind, "RUNNING", instance) for kind in self.busy)

    def operation(self, operation_id: str) -> Operation:
        return _operation(operation_id, "DONE")


def _operation(kind: str, status: str, instance: str = "db") -> Operation:
    return Operation(kind, kind, status, instance, None, None, None, (), "")


class ReachedError(OpsError):
    """The API stood in no way: the database is asked next."""

    def __init__(self) -> None:
        super().__init__("Reached.")


@pytest.fixture(autouse=True)
def _reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(_: object) -> str:
        raise ReachedError

    monkeypatch.setattr(preflight, "require_table", reached)
    monkeypatch.setattr(preflight, "POLL_S", 0.001)


def _look(folder: Path, cloud: Cloud) -> list[str]:
    progress = Lines()
    with pytest.raises(ReachedError):
        look(drilled(folder, cloud), progress, lambda: None)
    return progress.lines


def test_a_quiet_source_stands_in_no_way(tmp_path: Path) -> None:
    assert _look(tmp_path, Cloud()) == []


@pytest.mark.parametrize(
    ("cloud", "error", "told"),
    [
        (
            Cloud(instanceType="READ_REPLICA_INSTANCE", masterInstanceName="p:main"),
            ReplicaSourceError,
            "Drill its primary, main",
        ),
        (
            Cloud(settings={"activationPolicy": "NEVER"}),
            StoppedSourceError,
            "--activation-policy=ALWAYS",
        ),
        (Cloud("SUSPENDED"), NotRunnableError, "is SUSPENDED"),
        (Cloud("MAINTENANCE", "FAILED"), NotRunnableError, "is FAILED"),
    ],
)
def test_a_source_that_cannot_be_drilled_is_refused(
    tmp_path: Path, cloud: Cloud, error: type[OpsError], told: str
) -> None:
    with pytest.raises(error, match=told):
        look(drilled(tmp_path, cloud), Silent(), lambda: None)


def test_maintenance_and_other_operations_are_waited_for_with_a_line(tmp_path: Path) -> None:
    assert _look(tmp_path, Cloud("MAINTENANCE", "MAINTENANCE", "RUNNABLE")) == [
        "Waiting for the maintenance of db to end"
    ]
    assert _look(tmp_path, Cloud(busy=("UPDATE", "BACKUP_VOLUME"))) == [
        "Waiting for UPDATE on db (operation UPDATE)"
    ]


class Endless(Cloud):
    def operation(self, operation_id: str) -> Operation:
        return _operation(operation_id, "RUNNING")


def test_a_wait_for_another_operation_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "BUSY_LIMIT_S", 0.05)
    with pytest.raises(WaitTimeoutError, match="gcloud sql operations wait UPDATE"):
        look(drilled(tmp_path, Endless(busy=("UPDATE",))), Silent(), lambda: None)


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    source = drilled(tmp_path, Cloud())
    names_free(source, [CopyPlan(Kind.CLONE, f"{name_stem('db', 'project')}x-c")])
    with pytest.raises(TakenNameError, match="already"):
        names_free(replace(source), [CopyPlan(Kind.CLONE, "db")])


def test_a_missing_table_is_told_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: object) -> str:
        raise NoHeartbeatTableError("db", "o", exists=False)

    monkeypatch.setattr(preflight, "require_table", missing)
    with pytest.raises(NoHeartbeatTableError, match=r"migrate\.up"):
        look(drilled(tmp_path, Cloud()), Silent(), lambda: None)
