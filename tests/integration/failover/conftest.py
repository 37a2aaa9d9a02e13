"""One highly available source with a read replica, for all tests of failover drills."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.settings import Pool
from ops import target
from ops.cloudsql import CloudSql
from ops.console import Silent
from ops.db import CHANGE
from ops.failover.source import Source, of
from ops.migrations import files
from ops.target import password_folder
from tests.integration.failover.drilled import Site, settled
from tests.places import local_cloud
from tests.processes import Start, started

ROOT = Path(__file__).resolve().parents[3]
TASKS = """
from invoke.collection import Collection
from ops.failover import tasks as failover
namespace = Collection(failover.namespace)
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    tasks = tmp_path_factory.mktemp("tasks")
    (tasks / "tasks.py").write_text(TASKS)
    shutil.copy(ROOT / "invoke.yaml", tasks)
    with local_cloud("failover", 15443) as server:
        data = str(server.data)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "LOCAL_CLOUDSQL_DIR": data}
        yield Site(server, environment, tasks)


@pytest.fixture(scope="session")
def prepared(site: Site) -> Source:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_CLOUDSQL_DIR", str(site.server.data))
        stack = target.load("local")
        _provision(stack.cloud(), stack)
        source = of(stack)
    with source.database.connect(source.owner, budget=CHANGE) as connection:
        connection.execute("CREATE SCHEMA ops")
        (made,) = (one for one in files.read() if one.name == "failover_write")
        for made_by in made.up.statements:
            connection.execute(made_by.text.encode())
        connection.execute(f"GRANT USAGE ON SCHEMA ops TO {source.app}".encode())
        connection.execute(f"GRANT INSERT ON ops.failover_write TO {source.app}".encode())
    source.cloud.wait(source.cloud.create_backup(source.instance, "of the tests"))
    replica = {
        "name": "replica",
        "region": "asia-east1",
        "databaseVersion": "POSTGRES_15",
        "masterInstanceName": source.instance,
        "settings": {"tier": "db-custom-1-3840", "edition": "ENTERPRISE"},
    }
    source.cloud.wait(source.cloud.insert(replica))
    pool = Pool(max_connections=100, size=6, idle_timeout_s=600, lifetime_s=3600)
    return replace(source, pool=pool, replicas=("replica",), reconnect_target_s=30)


def _provision(cloud: CloudSql, stack: target.Target) -> None:
    body = {
        "name": stack.instance,
        "region": "asia-east1",
        "databaseVersion": "POSTGRES_15",
        "settings": {
            "tier": "db-custom-1-3840",
            "edition": "ENTERPRISE",
            "availabilityType": "REGIONAL",
            "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True},
            "databaseFlags": [{"name": "max_connections", "value": "60"}],
        },
    }
    cloud.wait(cloud.insert(body))
    cloud.wait(cloud.insert_database(stack.instance, stack.database))
    assert stack.local is not None
    folder = password_folder(stack.local, stack.stack)
    folder.mkdir(parents=True, mode=0o700)
    for user in (stack.owner, stack.app):
        (folder / user).touch(mode=0o600)
        (folder / user).write_text("pass:word\n")
        cloud.wait(cloud.insert_user(stack.instance, user, "pass:word"))


@pytest.fixture
def source(site: Site, prepared: Source) -> Iterator[Source]:
    """The source, ready to fail over; a test leaves neither lease nor fault behind."""
    settled(prepared)
    yield prepared
    site.heal()
    assert prepared.store.keys("leases") == ()


@pytest.fixture
def start(site: Site, source: Source) -> Iterator[Start]:
    """Start a task in a process of its own; none outlives its test."""
    del source  # the stack has to be there
    yield from started(site.start)


@pytest.fixture
def silent() -> Silent:
    return Silent()
