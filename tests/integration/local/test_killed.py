"""kill -9 of the server in the midst of each operation: nothing lost, nothing leaked."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local.addresses import CLAIMS
from tests.integration.local.connecting import ephemeral, startup, talk
from tests.integration.local.server import (
    LocalServer,
    clone_body,
    instance_body,
    running,
    working_in,
)

# Long enough for PostgreSQL's programs to be at work, too short for any of it to be done.
EARLY_S, LATE_S = 0.25, 0.6


@pytest.fixture(scope="module")
def killable() -> Iterator[LocalServer]:
    with running() as server:
        server.create("kept")
        with server.connect("kept") as connection:
            connection.execute("CREATE TABLE t (n integer)")
            connection.execute("INSERT INTO t VALUES (1)")
        server.do("POST", "/instances/kept/backupRuns", {})
        yield server


@pytest.fixture(autouse=True)
def _nothing_leaks(killable: LocalServer) -> Iterator[None]:
    yield
    assert killable.names() == {"kept": "RUNNABLE"}
    assert killable.get("/local/v1/status")["operations_running"] == 0
    home = Path(killable.status("kept")["home"]).parent
    assert [path.name for path in (killable.data / "instances").iterdir()] == [home.name]
    assert not {"incoming", "outgoing"} & {path.name for path in home.iterdir()}
    # Only the cluster itself is at work in its folder, and only its address is claimed.
    assert all(
        (Path("/proc") / str(pid) / "cwd").readlink() == home / "data"
        for pid in working_in(killable.data)
    )
    claims = [path for path in CLAIMS.iterdir() if not path.name.startswith(".")]
    ours = [path.name for path in claims if path.read_text() == str(killable.data)]
    assert ours == [killable.status("kept")["address"]]
    with killable.connect("kept") as connection:
        assert connection.execute("SELECT n FROM t").fetchall() == [(1,)]


def interrupted(server: LocalServer, operation: dict[str, str], delay_s: float) -> str:
    """Kill the server in the midst, start it, and return the operation's error."""
    time.sleep(delay_s)
    server.kill_and_start()
    found = server.get(f"/operations/{operation['name']}")
    assert found["status"] == "DONE"
    return str(found["error"]["errors"][0]["message"])


@pytest.mark.parametrize("delay_s", [EARLY_S, 1.0])
def test_an_instance_half_made_is_taken_back(killable: LocalServer, delay_s: float) -> None:
    operation = killable.begin("POST", "/instances", instance_body("half"))

    assert "stopped while this ran" in interrupted(killable, operation, delay_s)

    assert killable.ask("GET", "/instances/half").reason == "instanceDoesNotExist"


@pytest.mark.parametrize("delay_s", [EARLY_S, LATE_S])
def test_a_clone_half_made_is_taken_back(killable: LocalServer, delay_s: float) -> None:
    operation = killable.begin("POST", "/instances/kept/clone", clone_body("half"))

    assert "stopped while this ran" in interrupted(killable, operation, delay_s)


def test_a_backup_half_taken_has_failed(killable: LocalServer) -> None:
    operation = killable.begin("POST", "/instances/kept/backupRuns", {})
    run = operation["backupContext"]["backupId"]

    assert "stopped while this ran" in interrupted(killable, operation, 0.1)

    assert killable.get(f"/instances/kept/backupRuns/{run}")["status"] == "FAILED"
    bases = Path(killable.status("kept")["home"]).parent / "bases"
    assert not (bases / run).exists()


def test_the_servers_own_base_backup_half_taken_is_removed(killable: LocalServer) -> None:
    killable.create("plain", backupConfiguration={"enabled": False})
    bases = Path(killable.status("plain")["home"]).parent / "bases"
    change = {"settings": {"backupConfiguration": {"pointInTimeRecoveryEnabled": True}}}
    change["settings"]["backupConfiguration"]["enabled"] = True
    with ThreadPoolExecutor(1) as beside:  # the answer may come when the backup is whole
        beside.submit(killable.begin, "PATCH", "/instances/plain", change)
        deadline = time.monotonic() + 20
        while not any(bases.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        killable.kill_and_start()

    (operation,) = (
        one
        for one in killable.get("/operations?instance=plain")["items"]
        if one["operationType"] == "UPDATE"
    )
    assert "stopped while this ran" in operation["error"]["errors"][0]["message"]
    assert list(bases.iterdir()) == []
    killable.delete("plain")


# The last falls into the recovery, whose archived segments the second try makes again.
@pytest.mark.parametrize("delay_s", [EARLY_S, 0.4, LATE_S])
def test_a_restore_in_place_goes_on(killable: LocalServer, delay_s: float) -> None:
    with killable.connect("kept") as connection:
        connection.execute("INSERT INTO t VALUES (2)")
    runs = killable.get("/instances/kept/backupRuns")["items"]
    run = next(one["id"] for one in runs if one["status"] == "SUCCESSFUL")
    context = {"restoreBackupContext": {"backupRunId": run, "instanceId": "kept"}}
    operation = killable.begin("POST", "/instances/kept/restoreBackup", context)
    time.sleep(delay_s)

    killable.kill_and_start()

    assert "error" not in killable.done(killable.get(f"/operations/{operation['name']}"))


def test_a_deletion_goes_on(killable: LocalServer) -> None:
    killable.create("doomed", backupConfiguration={"enabled": False})
    killable.begin("DELETE", "/instances/doomed")

    killable.kill_and_start()

    deadline = time.monotonic() + 20
    while "doomed" in killable.names():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_clusters_live_on_and_are_adopted(killable: LocalServer) -> None:
    with killable.connect("kept") as connection:
        begun = connection.execute("SELECT pg_postmaster_start_time()").fetchone()
        killable.kill_and_start()
        assert connection.execute("SELECT pg_postmaster_start_time()").fetchone() == begun


def test_a_cluster_that_was_killed_too_is_started(killable: LocalServer) -> None:
    home = Path(killable.status("kept")["home"])
    killable.kill()
    postmaster = int((home / "postmaster.pid").read_text().split("\n", 1)[0])
    os.kill(postmaster, signal.SIGKILL)

    killable.start()


def test_the_connectors_door_comes_back(killable: LocalServer, tmp_path: Path) -> None:
    shown = ephemeral(killable, "kept")  # it outlives the server, as the instance's CA does
    killable.kill()
    tls = next((killable.data / "instances").iterdir()) / "tls"
    (tls / "server.pem").unlink()  # as if killed in a rotation

    killable.start()

    answer = talk(killable, shown, startup("postgres"), tmp_path, "kept")
    assert answer.startswith(b"R")
