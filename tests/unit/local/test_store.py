import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local.model import (
    BackupRun,
    Base,
    Instance,
    InstanceState,
    OperationError,
    OperationStatus,
    OperationType,
    RunStatus,
)
from infra.local.reserve import BYTES, Reserve
from infra.local.store import InProgressError, NameTakenError, Store
from infra.local.work import new_operation

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
MAIN = Instance(
    uid="main-1",
    project="demo",
    name="main",
    state=InstanceState.RUNNABLE,
    version="POSTGRES_15",
    region="asia-east1",
    settings={"databaseFlags": [{"name": "work_mem", "value": "8192"}]},
    address="127.1.2.3",
    era=1,
    created=NOW,
)
RUN = BackupRun(5, "main-1", RunStatus.ENQUEUED, "ON_DEMAND", "", "POSTGRES_15", "asia", NOW)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path / "state.sqlite")
    yield found
    found.close()


def test_everything_comes_back_as_it_went_in(store: Store, tmp_path: Path) -> None:
    operation = new_operation(OperationType.CLONE, "demo", "copy", source="main", facts={"a": 1})
    failed = replace(operation, error=OperationError("CODE", "a sentence"), started=NOW)
    store.add_instance(MAIN)
    store.begin(operation)
    store.save_operation(failed)
    store.add_run(RUN)
    store.add_base(Base(5, "main-1", 1, NOW, run=5))
    store.close()

    again = Store(tmp_path / "state.sqlite")

    assert again.instance("demo", "main") == MAIN
    assert again.operation("demo", operation.name) == failed
    assert again.run(5) == RUN
    assert again.bases("main-1") == (Base(5, "main-1", 1, NOW, run=5),)
    assert again.instances("other") == ()
    assert (tmp_path / "state.sqlite").stat().st_mode & 0o777 == 0o600
    again.close()


def test_what_one_operation_changes_or_reads_no_other_may_change(store: Store) -> None:
    clone = store.begin(new_operation(OperationType.CLONE, "demo", "copy", source="main"))

    store.begin(new_operation(OperationType.CLONE, "demo", "copy-2", source="main"))
    store.begin(new_operation(OperationType.DELETE, "another", "main"))
    for target, source in (("main", None), ("copy", None), ("third", "copy")):
        with pytest.raises(InProgressError) as refused:
            store.begin(new_operation(OperationType.DELETE, "demo", target, source=source))
        assert refused.value.operation == clone
    store.save_operation(replace(clone, status=OperationStatus.DONE))
    store.begin(new_operation(OperationType.DELETE, "demo", "copy"))


def test_a_switchover_changes_its_primary_and_the_other_replicas(store: Store) -> None:
    facts = {"followers": ["other"]}
    turning = new_operation(OperationType.SWITCHOVER, "demo", "reader", source="main", facts=facts)
    clone = store.begin(new_operation(OperationType.CLONE, "demo", "copy", source="main"))
    with pytest.raises(InProgressError):  # it stops what the clone reads
        store.begin(turning)
    store.save_operation(replace(clone, status=OperationStatus.DONE))

    store.begin(turning)

    for target, source in (("reader", None), ("main", None), ("other", None), ("copy", "main")):
        with pytest.raises(InProgressError):
            store.begin(new_operation(OperationType.CLONE, "demo", target, source=source))
    store.begin(new_operation(OperationType.RESTART, "demo", "copy"))


def test_a_name_is_taken_once_a_project(store: Store) -> None:
    store.add_instance(MAIN)
    store.add_instance(replace(MAIN, uid="main-2", project="another"))

    with pytest.raises(NameTakenError):
        store.add_instance(replace(MAIN, uid="main-3"))


def test_an_instance_takes_its_backups_along(store: Store) -> None:
    store.add_instance(MAIN)
    store.add_run(RUN)
    store.add_base(Base(5, "main-1", 1, NOW, run=5))

    store.remove_instance("main-1")

    assert store.run(5) is None
    assert store.bases("main-1") == ()


def test_ids_of_backup_runs_never_repeat(store: Store) -> None:
    store.add_instance(MAIN)
    assert store.next_run_id(3) == 3
    store.add_run(RUN)
    assert store.next_run_id(5) == 6


def test_a_transaction_that_fails_writes_nothing(store: Store) -> None:
    def add_twice() -> None:
        with store.transaction():
            store.add_instance(MAIN)
            store.add_instance(MAIN)

    with pytest.raises(NameTakenError):
        add_twice()

    assert store.instances() == ()


def test_an_instance_knows_what_its_settings_mean() -> None:
    settings = {
        "activationPolicy": "NEVER",
        "deletionProtectionEnabled": True,
        "backupConfiguration": {"pointInTimeRecoveryEnabled": True},
    }
    other = replace(MAIN, settings=settings)

    assert MAIN.major == 15
    assert MAIN.flags == (("work_mem", "8192"),)
    assert (other.stopped, other.deletion_protected, other.point_in_time_recovery) == (True,) * 3
    assert (MAIN.stopped, MAIN.deletion_protected, MAIN.point_in_time_recovery) == (False,) * 3


def test_a_full_disk_has_what_was_kept_for_it(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "state.reserve")
    assert not reserve.spend()
    reserve.fill()
    reserve.fill()
    assert reserve.path.stat().st_size == BYTES
    assert reserve.spend()
    assert not reserve.path.exists()


def test_a_write_that_fails_leaves_no_transaction_open(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError), store.transaction():
        store._connection.execute("INSERT INTO nowhere VALUES (1)")
    assert not store._connection.in_transaction
    assert not store._reserve.path.exists()
    store.replenish()
    assert store._reserve.path.exists()


def test_a_note_outlives_the_process(tmp_path: Path) -> None:
    for text in ("one", "two"):
        store = Store(tmp_path / "state.sqlite")
        store.set_note("kept", text)
        store.close()
    again = Store(tmp_path / "state.sqlite")
    assert (again.note("kept"), again.note("other")) == ("two", None)
    again.close()


def test_a_folder_of_an_earlier_version_gets_the_columns_it_lacks(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite")
    store._execute("DROP INDEX replicas")
    store._execute("ALTER TABLE instances DROP COLUMN facts")
    store.close()
    again = Store(tmp_path / "state.sqlite")
    again.add_instance(replace(MAIN, facts={"standby": True}))
    assert again.instance("demo", "main") == replace(MAIN, facts={"standby": True})
    again.close()
