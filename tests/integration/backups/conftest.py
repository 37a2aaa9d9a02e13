"""A local stack of its own: its clock is set forward, and its archive is stopped."""

import io
from collections.abc import Iterator

import pytest

from infra.deploy.apply import deploy
from ops.console import Console, Format, Silent
from ops.invocation import Invocation
from ops.localserver import Server
from ops.migrations import files, runner
from ops.migrations.change import connector
from ops.target import load
from tests.integration.backups.dumps import (
    MADE,
    PLAIN,
    SOURCE,
    THERE,
    VICTIM,
    dump_plainly,
    execute,
)
from tests.places import local_cloud


@pytest.fixture(scope="session")
def run() -> Iterator[Invocation]:
    with local_cloud("backups", 15539) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_CLOUDSQL_DIR", str(server.data))
        found = Invocation(load("local"), Console(Format.JSON, io.StringIO(), io.StringIO()))
        deploy(found.target, Silent())
        runner.up(connector(found), files.read())
        server.ask("POST", "buckets", {"name": "exports"})
        yield found


@pytest.fixture
def server(run: Invocation) -> Iterator[Server]:
    """The server; no test leaves a fault in force."""
    yield run.target.server()
    run.target.server().ask("DELETE", "faults")


@pytest.fixture(scope="module")
def databases(run: Invocation) -> Iterator[tuple[str, str]]:
    """A database to dump, and one with things in it."""
    cloud, instance = run.cloud, run.target.instance
    for database in (SOURCE, VICTIM):
        cloud.wait(cloud.insert_database(instance, database))
    execute(run, SOURCE, MADE.format(app=run.target.settings.users.app))
    execute(run, VICTIM, THERE)
    yield SOURCE, VICTIM
    for database in {SOURCE, VICTIM, "fresh"} & set(cloud.databases(instance)):
        cloud.wait(cloud.delete_database(instance, database))


@pytest.fixture
def fresh(run: Invocation) -> Iterator[str]:
    """The name of a database that the import makes."""
    yield "fresh"
    if "fresh" in run.cloud.databases(run.target.instance):
        run.cloud.wait(run.cloud.delete_database(run.target.instance, "fresh"))


@pytest.fixture
def victim(databases: tuple[str, str]) -> str:
    """A database with things in it, for imports that are refused."""
    return databases[1]


@pytest.fixture
def used(run: Invocation, victim: str) -> Iterator[str]:
    """The same; things in it are as they were for the next test."""
    yield victim
    gone = "shop, hidden, public"
    execute(
        run, victim, f"DROP PUBLICATION IF EXISTS hidden; DROP SCHEMA IF EXISTS {gone} CASCADE;"
    )
    execute(run, victim, f"CREATE SCHEMA public; {THERE}")


@pytest.fixture(scope="module")
def dump(run: Invocation, databases: tuple[str, str]) -> bytes:
    """What pg_dump writes of the first."""
    return dump_plainly(run, *PLAIN, database=databases[0])
