"""One local Cloud SQL and one source with a backup, for all tests of the drill."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops import target
from ops.cloudsql import CloudSql
from ops.db import CHANGE, Connection
from ops.restore.faults import cluster
from ops.restore.source import Source, of
from ops.target import password_folder
from tests.places import local_cloud
from tests.processes import Start, started

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = Path(__file__).with_name("schema.sql")
TASKS = """
from invoke.collection import Collection
from ops.backups import tasks as backups
from ops.restore import tasks as restore
namespace = Collection(backups.namespace, restore.namespace)
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A local stack: its folder, its variables, and a folder to run tasks in."""

    data: Path
    environment: Mapping[str, str]
    tasks: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "invoke", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.tasks,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    tasks = tmp_path_factory.mktemp("tasks")
    (tasks / "tasks.py").write_text(TASKS)
    shutil.copy(ROOT / "invoke.yaml", tasks)
    with local_cloud("drill", 15439) as server:
        data = server.data
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "LOCAL_CLOUDSQL_DIR": str(data)}
        yield Site(data, environment, tasks)


@pytest.fixture(scope="session")
def prepared(site: Site) -> Source:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_CLOUDSQL_DIR", str(site.data))
        stack = target.load("local")
        _provision(stack.cloud(), stack)
        source = of(stack)
    with source.database.connect(source.owner, budget=CHANGE) as connection:
        connection.execute(SCHEMA.read_bytes())
        beat = "INSERT INTO ops.drill_heartbeat (drill, label) VALUES ('none', 'after the schema')"
        connection.execute(beat)
    source.cloud.wait(source.cloud.create_backup(source.instance, "of the tests"))
    return source


def _provision(cloud: CloudSql, stack: target.Target) -> None:
    body = {
        "name": stack.instance,
        "region": "asia-east1",
        "databaseVersion": "POSTGRES_15",
        "settings": {
            "tier": "db-custom-1-3840",
            "edition": "ENTERPRISE",
            "deletionProtectionEnabled": True,
            "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True},
            "databaseFlags": [{"name": "max_connections", "value": "50"}],
        },
    }
    cloud.wait(cloud.insert(body))
    cloud.wait(cloud.insert_database(stack.instance, stack.database))
    assert stack.local is not None
    folder = password_folder(stack.local, stack.stack)
    folder.mkdir(parents=True, mode=0o700)
    for user in (stack.owner, stack.app):
        (folder / user).touch(mode=0o600)
        (folder / user).write_text(f"pass:word\\{user}\n")
        cloud.wait(cloud.insert_user(stack.instance, user, f"pass:word\\{user}"))


@pytest.fixture
def source(prepared: Source) -> Iterator[Source]:
    """The source; no test may leave an instance, a journal or a hidden file behind."""
    yield prepared
    assert [one.name for one in prepared.cloud.instances()] == [prepared.instance]
    assert prepared.store.keys("journal") == ()
    assert prepared.store.keys("leases") == ()
    local = prepared.local(prepared.instance)
    assert local is not None
    assert not [path for path in local.archive.iterdir() if path.name.startswith(".hidden")]


@pytest.fixture
def execute(source: Source) -> Callable[[str], None]:
    def run(text: str) -> None:
        with source.database.connect(source.owner, budget=CHANGE) as connection:
            connection.execute(text.encode())

    return run


@pytest.fixture
def start(site: Site, source: Source) -> Iterator[Start]:
    """Start a task in a process of its own; none outlives its test."""
    del source  # the stack has to be there
    yield from started(site.start)


@pytest.fixture(scope="module")
def superuser(prepared: Source) -> Iterator[Connection]:
    """A superuser on the source who may spoil its catalogs."""
    database = cluster.peer(cluster.of_source(prepared), prepared.database.name)
    with database.connect(cluster.SUPERUSER, budget=CHANGE) as connection:
        connection.execute("SET allow_system_table_mods = on")
        yield connection
