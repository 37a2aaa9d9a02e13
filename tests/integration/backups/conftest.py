"""A local stack of its own: its clock is set forward, and its archive is stopped."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.deploy.apply import deploy
from ops import localcloud
from ops.console import Console, Format, Silent
from ops.invocation import Invocation
from ops.localserver import Server
from ops.migrations import files, runner
from ops.migrations.change import connector
from ops.target import load


@pytest.fixture(scope="session")
def run() -> Iterator[Invocation]:
    # The clusters' own user must be able to enter every parent: pytest's folders forbid it.
    data = Path(tempfile.mkdtemp(prefix="backups-", dir="/tmp"))
    data.chmod(0o755)
    localcloud.ensure(data, port=0, pg_port=localcloud.free_port(15539), stand_in=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_CLOUDSQL_DIR", str(data))
        found = Invocation(load("local"), Console(Format.JSON, io.StringIO(), io.StringIO()))
        try:
            deploy(found.target, Silent())
            runner.up(connector(found), files.read())
            found.target.server().ask("POST", "buckets", {"name": "exports"})
            yield found
        finally:
            localcloud.stop(data, wipe=True)


@pytest.fixture
def server(run: Invocation) -> Iterator[Server]:
    """The server; no test leaves a fault in force."""
    yield run.target.server()
    run.target.server().ask("DELETE", "faults")
