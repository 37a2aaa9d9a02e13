"""The state against the folder: silent where they agree, and every form of disagreement."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local import schema
from infra.local.inspection import inspect, refusal
from infra.local.model import (
    BackupRun,
    Base,
    Instance,
    InstanceState,
    KeptBackup,
    OperationType,
    RunStatus,
)
from infra.local.store import Store, spare_of
from infra.local.work import new_operation

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MAIN = Instance(
    uid="main-1",
    project="demo",
    name="main",
    state=InstanceState.RUNNABLE,
    version="POSTGRES_15",
    region="asia-east1",
    settings={},
    address="127.1.2.3",
    era=1,
    created=NOW,
)
RUN = BackupRun(5, "main-1", RunStatus.SUCCESSFUL, "ON_DEMAND", "", "POSTGRES_15", "asia", NOW)


def make_home(data: Path, uid: str, *bases: str) -> None:
    for folder in ("data", *(f"bases/{base}" for base in bases)):
        (data / "instances" / uid / folder).mkdir(parents=True, exist_ok=True)
        (data / "instances" / uid / folder / "PG_VERSION").write_text("15\n")


def state(data: Path) -> Path:
    return data / "state.sqlite"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An instance with a backup, and a backup of one that is deleted."""
    make_home(tmp_path, "main-1", "5")
    (tmp_path / "backups/4/data").mkdir(parents=True)
    with closing(Store(state(tmp_path))) as store:
        store.add_instance(MAIN)
        store.add_run(RUN)
        store.add_base(Base(5, "main-1", 1, NOW, run=5))
        store.keep_backup(KeptBackup(4, "demo", "old", NOW, None, replace(RUN, id=4)))
    return tmp_path


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return every path below a folder with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def refused(data: Path) -> str:
    before = contents(data)
    finding = inspect(data)
    assert finding is not None
    message = str(refusal(data, finding))
    assert contents(data) == before
    assert "main-1 (" in message
    assert "--set-aside" in message
    return message


def test_what_agrees_is_not_found(data: Path) -> None:
    before = contents(data)

    assert inspect(data) is None
    assert contents(data) == before


@pytest.mark.parametrize("folder", [(), ("instances",), ("instances", "backups", "buckets/b")])
def test_a_new_folder_is_not_found(tmp_path: Path, folder: tuple[str, ...]) -> None:
    for name in folder:
        (tmp_path / name).mkdir(parents=True)
    assert inspect(tmp_path) is None
    state(tmp_path).touch()  # killed at its first start
    assert inspect(tmp_path) is None


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2048])


def without_tail(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])


def zeroed_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:8192] = bytes(4096)
    path.write_bytes(content)


def sql(statement: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA legacy_alter_table = ON")
            connection.executescript(statement)

    return change


def without_tables(path: Path) -> None:
    path.unlink()
    sql("CREATE TABLE t (n); DROP TABLE t")(path)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (Path.unlink, "is missing"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"garbage " * 1000), "is damaged"),
        (lambda path: path.write_bytes(bytes(8192)), "is damaged"),
        (half, "is damaged"),
        (without_tail, "is damaged"),
        (zeroed_page, "is damaged"),
        (without_tables, "has no tables"),
        (sql("DROP TABLE bases"), "lacks bases"),
        (sql("DROP TABLE kept_backups"), "lacks kept_backups"),
        (sql("ALTER TABLE bases DROP COLUMN usable_from"), "lacks bases.usable_from"),
        (sql("DROP TABLE instances; CREATE TABLE instances (n)"), "lacks instances.address"),
        (sql("UPDATE instances SET state = 'TELEPORTING'"), "can't be read"),
        (sql("UPDATE bases SET usable_from = 'yesterday'"), "can't be read"),
        (sql(f"PRAGMA user_version = {schema.VERSION + 1}"), "a later version"),
        (sql("DELETE FROM instances"), "does not know instances/main-1"),
        (sql("DELETE FROM bases"), "does not know instances/main-1/bases/5"),
        (sql("DELETE FROM kept_backups"), "does not know backups/4"),
    ],
)
def test_a_state_that_is_not_what_was_written(
    data: Path, damage: Callable[[Path], object], reason: str
) -> None:
    damage(state(data))

    assert reason in refused(data)


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_an_empty_file_beside_its_log_stays_as_it_is(data: Path, suffix: str) -> None:
    # SQLite itself would remove the log of a file that is empty.
    state(data).write_bytes(b"")
    state(data).with_name(f"state.sqlite{suffix}").write_bytes(b"not lost")

    assert "is empty" in refused(data)


def killed_copy(data: Path, target: Path) -> None:
    """Copy the folder of a server that was killed with its last changes in the log alone."""
    store = Store(state(data))
    store.set_note("more", "than before")
    shutil.copytree(data, target)
    store.close()


def test_the_log_of_a_killed_server_is_read(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    killed = tmp_path_factory.mktemp("killed") / "data"
    killed_copy(data, killed)
    assert (killed / "state.sqlite-wal").stat().st_size > 0
    assert inspect(killed) is None

    (killed / "state.sqlite-wal").unlink()

    assert "older one: it lacks the last 1 changes" in refused(killed)


def test_an_older_state_is_noticed_whatever_it_knows(data: Path) -> None:
    older = state(data).read_bytes()
    with closing(Store(state(data))) as store:
        # Nothing on the disk tells: an operation would be taken back that has ended since.
        store.begin(new_operation(OperationType.CLONE, "demo", "copy", source="main"))
    state(data).write_bytes(older)

    assert "is an older one" in refused(data)


def test_the_state_of_another_server_is_noticed(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    with closing(Store(state(other))) as store:
        store.add_instance(MAIN)
        store.add_run(RUN)
        store.add_base(Base(5, "main-1", 1, NOW, run=5))
        store.keep_backup(KeptBackup(4, "demo", "old", NOW, None, replace(RUN, id=4)))
    shutil.copy(state(other), state(data))

    assert "is another folder's" in refused(data)


def test_an_instance_without_its_data_is_noticed(data: Path) -> None:
    with closing(Store(state(data))) as store:
        store.add_instance(replace(MAIN, uid="away-1", name="away"))

    assert "knows instances whose data is gone: away." in f"{refused(data)}".replace(
        ", so nothing", "."
    )


def test_a_state_of_before_a_failover_is_noticed_without_a_mark(data: Path) -> None:
    (data / "state.mark").unlink()
    make_home(data, "main-1")
    other = data / "instances/main-1/data.2"
    other.mkdir()
    assert inspect(data) is None
    (data / "instances/main-1/data/standby.signal").touch()

    assert "main has failed over since" in refused(data)


def test_the_data_of_the_other_side_is_not_the_instances(data: Path) -> None:
    (data / "instances/main-1/data").rename(data / "instances/main-1/data.2")

    assert "whose data is gone: main" in refused(data)


def test_what_an_operation_works_on_is_its_own_affair(data: Path) -> None:
    with closing(Store(state(data))) as store:
        new = replace(MAIN, uid="new-1", name="new", state=InstanceState.PENDING_CREATE)
        store.add_instance(new)
        making = new_operation(OperationType.CREATE, "demo", "new", facts={"uid": "new-1"})
        store.begin(making)
        taking = new_operation(OperationType.BACKUP_VOLUME, "demo", "main", facts={"uid": "main-1"})
        store.begin(taking)
    assert inspect(data) is None  # killed before its folder was made
    make_home(data, "new-1", "7")
    make_home(data, "main-1", "8")

    assert inspect(data) is None


def test_what_is_being_removed_is_not_unknown(data: Path) -> None:
    make_home(data, "gone-1.removed")
    with closing(Store(state(data))) as store:
        store.remove_base(store.bases("main-1")[0])
        assert store.removed_bases() == (("main-1", 5),)
        assert inspect(data) is None
        store.forget_removed("main-1", 5)

    assert "instances/main-1/bases/5" in refused(data)


def test_the_state_of_an_earlier_version_is_gone_on_with(data: Path) -> None:
    sql(
        "DELETE FROM notes; DROP INDEX replicas; ALTER TABLE instances DROP COLUMN facts;"
        "DROP TABLE notes; PRAGMA user_version = 0"
    )(state(data))
    (data / "state.mark").unlink()

    assert inspect(data) is None


@pytest.mark.parametrize("content", [b"", b"x", b"one two", b"\xff\xfe"])
def test_without_a_mark_the_folder_tells(data: Path, content: bytes) -> None:
    (data / "state.mark").write_bytes(content)
    assert inspect(data) is None
    make_home(data, "later-1")

    assert "does not know instances/later-1" in refused(data)


def test_the_spare_copy_is_offered_while_it_has_every_change(data: Path) -> None:
    spare = spare_of(state(data))
    state(data).write_bytes(b"")
    assert f"cp {spare} {state(data)}" in refused(data)

    shutil.copy(spare, state(data))
    assert inspect(data) is None

    with closing(Store(state(data))) as store:
        older = spare.read_bytes()
        store.set_note("more", "than before")
    spare.write_bytes(older)
    state(data).write_bytes(b"")
    assert "spare copy" not in refused(data)


def test_a_lost_state_is_noticed_where_every_instance_is_gone(tmp_path: Path) -> None:
    Store(state(tmp_path)).close()
    state(tmp_path).write_bytes(b"")

    assert inspect(tmp_path) is not None
