"""The local Cloud SQL as a process: found, started, stopped, wiped."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import localcloud
from ops.cloudsql import CloudSql
from ops.localserver import Server
from tests.places import folder

PG_PORT = 5493


@pytest.fixture
def data() -> Iterator[Path]:
    with folder("localcloud") as parent:
        yield parent / "data"
        if (parent / "data").exists():
            localcloud.stop(parent / "data", wipe=True)


def _processes(data: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(data):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def _create(server: Server) -> None:
    cloud = CloudSql("p", server.url)
    body = {
        "name": "one",
        "region": "asia-east1",
        "databaseVersion": "POSTGRES_15",
        "settings": {"tier": "db-custom-1-3840", "edition": "ENTERPRISE"},
    }
    cloud.wait(cloud.insert(body))


def test_it_is_started_once_and_found_after_that(data: Path) -> None:
    assert localcloud.running(data) is None
    with pytest.raises(localcloud.NotRunningError):
        localcloud.require(data)
    first = localcloud.ensure(data, port=0, pg_port=PG_PORT, stand_in=True)
    assert localcloud.ensure(data, port=0, pg_port=PG_PORT).pid == first.pid
    assert first.instance("none") is None
    assert localcloud.stop(data)
    assert not localcloud.stop(data)
    assert localcloud.running(data) is None


def test_what_a_killed_server_left_is_stopped_before_its_folder_goes(data: Path) -> None:
    server = localcloud.ensure(data, port=0, pg_port=PG_PORT, stand_in=True)
    _create(server)
    os.kill(server.pid, signal.SIGKILL)
    os.waitpid(server.pid, 0)
    assert _processes(data)
    localcloud.stop(data, wipe=True)
    assert not _processes(data)
    assert not data.exists()


def test_a_folder_that_is_none_of_ours_is_not_wiped(data: Path) -> None:
    data.mkdir()
    (data / "precious").write_text("")
    with pytest.raises(localcloud.NotADataFolderError, match="not removed"):
        localcloud.stop(data, wipe=True)
    assert (data / "precious").exists()
    shutil.rmtree(data)


def test_a_port_in_use_is_said_in_a_sentence(data: Path) -> None:
    first = localcloud.ensure(data, port=0, pg_port=PG_PORT, stand_in=True)
    other = data.with_name("other")
    with pytest.raises(localcloud.StartFailedError, match=f"{first.port}.*python"):
        localcloud.ensure(other, port=first.port, pg_port=PG_PORT)
