"""The server as a process: one a folder, ports, signals, what it refuses at a start."""

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.local.server import LocalServer, data_folder, working_in


@pytest.fixture
def data() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


def started(*options: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.local", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_it_announces_itself_and_stops_on_a_signal(data: Path) -> None:
    server = LocalServer(data).start()
    facts = json.loads((data / "server.json").read_text())
    assert facts["url"] == server.url
    assert facts["data"] == str(data)
    assert (data / "server.json").stat().st_mode & 0o777 == 0o600

    second = started("--data", data, "--port", "0")
    assert second.returncode == 2
    assert f"pid {facts['pid']}" in second.stderr

    taken = started("--data", data.parent / "other", "--port", str(facts["port"]))
    assert taken.returncode == 2
    assert f"Port {facts['port']}" in taken.stderr
    assert "--port" in taken.stderr

    assert server.stop(signal.SIGTERM) == 0
    assert not (data / "server.json").exists()


def test_a_stop_in_the_midst_takes_back_and_leaves_no_cluster(data: Path) -> None:
    server = LocalServer(data).start()
    server.begin("POST", "/instances", {"name": "half", **creation()})

    assert server.stop(signal.SIGINT) == 0

    assert working_in(data) == []
    server.start()
    assert server.names() == {}
    server.stop()


def creation() -> dict[str, object]:
    return {"databaseVersion": "POSTGRES_15", "settings": {"tier": "db-custom-1-3840"}}


def test_shutdown_can_leave_the_clusters(data: Path) -> None:
    server = LocalServer(data).start()
    server.create("stays", backupConfiguration={"enabled": False})
    server.ask("POST", "/local/v1/shutdown", {})
    assert server.process is not None
    assert server.process.wait(20) == 0
    assert working_in(data) != []

    server.start()
    server.ask("POST", "/local/v1/shutdown", {"clusters": True})

    assert server.process.wait(20) == 0
    assert working_in(data) == []
    server.start()
    assert server.names() == {"stays": "RUNNABLE"}
    server.delete("stays")
    server.stop()


def test_postgresqls_port_taken_on_all_addresses_is_refused_by_name(data: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))  # noqa: S104 - what docker -p does
        listener.listen()
        port = listener.getsockname()[1]

        refused = started("--data", data, "--port", "0", "--pg-port", str(port))

    assert refused.returncode == 2
    assert f"(pid {os.getpid()})" in refused.stderr
    assert "--pg-port" in refused.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the clusters as another user")
def test_a_folder_that_the_clusters_user_cannot_enter_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    refused = started("--data", tmp_path / "data", "--port", "0")

    assert refused.returncode == 2
    assert "can't enter" in refused.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")
def test_an_ordinary_user_runs_it_too(data: Path) -> None:
    user = pwd.getpwnam("nobody")
    asked = ["test", "-x", str(Path(sys.executable).resolve())]
    if subprocess.run(asked, check=False, user=user.pw_uid, extra_groups=[]).returncode != 0:
        pytest.skip(f"{sys.executable} is closed to ordinary users")
    data.mkdir()
    os.chown(data, user.pw_uid, user.pw_gid)
    (data.parent / "server.log").touch()
    server = LocalServer(data)
    server.start(user=user.pw_uid, group=user.pw_gid)
    server.create("plain")

    facts = server.status("plain")

    assert facts["owner"] == "nobody"
    assert Path(facts["home"]).stat().st_uid == user.pw_uid
    assert server.stop() == 0
