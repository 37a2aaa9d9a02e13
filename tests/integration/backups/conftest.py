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
