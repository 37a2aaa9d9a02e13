"""Clean-up and sweeping against an Admin API that is only a list."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.checks.crew import Crew
from ops.checks.result import State
from ops.cloudsql import (
    ApiError,
    CloudSql,
    ExpiredCredentialsError,
    Instance,
    Operation,
    UnreachableError,
)
from ops.console import Lines, Silent
from ops.journal import Journal, unfinished
from ops.restore import cleanup
from ops.restore.drill.sweep import sweep_held
from ops.restore.source import ROOM
from tests.unit.restore.sources import drilled

NOW = datetime(2026, 5, 5, 13, tzinfo=UTC)
OLD, YOUNG = "db-drill-260504120000-0a1b-c", "db-drill-260505120000-0a1b-c"


class Cloud(CloudSql):
    """Instances in a dictionary: name to whether they are protected."""

    def __init__(self, **there: bool) -> None:
        super().__init__("project", "http://127.0.0.1:1")
        self.there = {name.replace("_", "-"): protected for name, protected in there.items()}
        self.refuses: set[str] = set()

    def instances(self) -> tuple[Instance, ...]:
        return tuple(self._of(name) for name in self.there)

    def find(self, name: str) -> Instance | None:
        return self._of(name) if name in self.there else None

    def _of(self, name: str) -> Instance:
        return Instance(name, "RUNNABLE", "", "", "POSTGRES_15", 1, self.there[name], {})

    def patch(self, name: str, body: Mapping[str, Any]) -> Operation:
        assert body == {"settings": {"deletionProtectionEnabled": False}}
        self.there[name] = False
        return _done(name)

    def delete(self, name: str) -> Operation:
        if self.there[name] or name in self.refuses:
            raise ApiError(f"delete {name}", 403, "denied", "No.")
        del self.there[name]
        return _done(name)


def _done(name: str) -> Operation:
    return Operation("op", "DELETE", "DONE", name, None, None, None, (), "")


def test_everything_in_the_journal_goes_protected_or_not(tmp_path: Path) -> None:
    cloud = Cloud(db=True, copy=True, other=False)
    source = drilled(tmp_path, cloud)
    journal = Journal(source.store, ROOM, "run")
    for action, name in (("create", "other"), ("clone", "copy"), ("clone", "never-made")):
        journal.intend(action, name)
    assert cleanup.always(source, Crew(), journal, Silent()) == ()
    assert list(cloud.there) == ["db"]
    assert len(unfinished(source.store, ROOM)) == 1  # until there is evidence


def test_what_a_second_interrupt_leaves_is_one_list(tmp_path: Path) -> None:
    class Interrupted(Cloud):
        def delete(self, name: str) -> Operation:
            if name == "copy-2":
                raise KeyboardInterrupt
            return super().delete(name)

    source = drilled(tmp_path, Interrupted(copy_1=False, copy_2=False))
    journal = Journal(source.store, ROOM, "run")
    for name in ("copy-1", "copy-2"):
        journal.intend("create", name)
    cleanup.remove(source.cloud, journal, ["copy-1"])  # proven and removed before the others
    out = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        cleanup.always(source, Crew(), journal, Lines(out))
    assert "Left behind: copy-2. Run" in out.getvalue()
    assert cleanup.standing(journal) == ("copy-2",)


def test_what_cannot_be_removed_stays_in_the_journal_and_is_told(tmp_path: Path) -> None:
    cloud = Cloud(copy=False, other=False)
    cloud.refuses.add("copy")
    source = drilled(tmp_path, cloud)
    journal = Journal(source.store, ROOM, "run")
    journal.intend("clone", "copy")
    journal.intend("create", "other")
    (line,) = cleanup.undo(source, journal)
    assert line.startswith("copy: ")
    assert list(cloud.there) == ["copy"]
    report = sweep_held(source, NOW, by="a test")
    assert report.state is State.FINDING
    cloud.refuses.clear()
    assert sweep_held(source, NOW, by="a test").removed == ("copy",)
    assert sweep_held(source, NOW, by="a test").state is State.OK


def test_a_clean_up_cut_short_says_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = drilled(tmp_path, Cloud(copy=False))
    journal = Journal(source.store, ROOM, "run")
    journal.intend("clone", "copy")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cleanup, "undo", interrupt)
    out = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        cleanup.always(source, Crew(), journal, Lines(out))
    assert "Left behind: copy. Run `invoke restore.sweep -s local`." in out.getvalue()


class Away(Cloud):
    """An API that is away for the first looks, and one that never knows us again."""

    def __init__(self, error: Exception, times: int) -> None:
        super().__init__(copy=False)
        self.error, self.times = error, times

    def find(self, name: str) -> Instance | None:
        if self.times:
            self.times -= 1
            raise self.error
        return super().find(name)


@pytest.mark.parametrize(
    "error",
    [
        UnreachableError("x"),
        ExpiredCredentialsError("find it"),
        ApiError("find it", 401, "authError", "No."),
        ApiError("find it", 503, "backendError", "No."),
    ],
)
def test_a_clean_up_waits_for_an_api_that_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(cleanup, "PAUSE_S", 0.01)
    cloud = Away(error, times=5)
    journal = Journal(drilled(tmp_path, cloud).store, ROOM, "run")
    assert cleanup.remove(cloud, journal, ["copy"]) == ()
    assert cloud.there == {}
    monkeypatch.setattr(cleanup, "PATIENCE_S", 0.05)
    cloud = Away(error, times=10**6)
    (line,) = cleanup.remove(cloud, journal, ["copy"])
    assert line == f"copy: {error}"


class Busy(Cloud):
    """An instance that an operation holds which never ends."""

    def delete(self, name: str) -> Operation:
        raise ApiError(f"delete {name}", 409, "operationInProgress", "Another one is running.")

    def operations(self, instance: str) -> tuple[Operation, ...]:
        running = Operation("op-7", "CLONE", "RUNNING", instance, None, None, None, (), "")
        return (_done(instance), running)


def test_an_operation_that_goes_on_is_named_with_how_to_follow_it(tmp_path: Path) -> None:
    journal = Journal(drilled(tmp_path).store, ROOM, "run")
    (line,) = cleanup.remove(Busy(copy=False), journal, ["copy"])
    assert "op-7 (CLONE on copy) still runs" in line
    assert "gcloud sql operations wait op-7" in line


def test_a_hidden_file_is_put_back_once(tmp_path: Path) -> None:
    source = drilled(tmp_path / "store", Cloud())
    segment = tmp_path / "000000010000000000000007"
    segment.write_bytes(b"wal")
    journal = Journal(source.store, ROOM, "run")
    cleanup.hide(journal, segment)
    assert not segment.exists()
    (entry,) = journal.entries()
    cleanup.undo(source, journal)
    assert segment.read_bytes() == b"wal"
    cleanup.put_back(entry)
    assert list(tmp_path.glob("*wal*")) == []


def test_a_strangers_copy_is_removed_only_when_it_outlived_its_time(tmp_path: Path) -> None:
    cloud = Cloud(**{"db": True, OLD: True, YOUNG: False, "db-drill-notes": False})
    report = sweep_held(drilled(tmp_path, cloud), NOW, by="a test")
    assert report.removed == (OLD,)
    assert report.kept == (YOUNG,)
    assert list(cloud.there) == ["db", YOUNG, "db-drill-notes"]
