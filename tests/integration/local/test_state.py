"""A server whose state was lost: nothing is removed, and there is a way to go on."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.local.server import LocalServer, running, working_in

START_S = 30


@pytest.fixture(scope="module")
def stateful() -> Iterator[LocalServer]:
    """A server with an instance, its backup, and the final backup of another one."""
    with running() as server:
        server.create("kept")
        with server.connect("kept") as connection:
            connection.execute("CREATE TABLE t AS SELECT 1 AS n")
        server.do("POST", "/instances/kept/backupRuns", {})
        server.create("gone", backupConfiguration={"enabled": False})
        server.do("DELETE", "/instances/gone?enableFinalBackup=true")
        yield server


@pytest.fixture(autouse=True)
def _nothing_is_lost(stateful: LocalServer) -> Iterator[None]:
    yield
    assert stateful.names() == {"kept": "RUNNABLE"}
    runs = stateful.get("/instances/kept/backupRuns")["items"]
    assert {run["status"] for run in runs} == {"SUCCESSFUL"}
    assert len(stateful.get("/v1/projects/demo/backups")["backups"]) == 2
    with stateful.connect("kept") as connection:
        assert connection.execute("SELECT n FROM t").fetchall() == [(1,)]


def start(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.local", "--data", data, "--port", "0", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=START_S,
    )


def bases(data: Path) -> set[str]:
    """Return the folders of instances, base backups and kept backups, with their WAL."""
    patterns = ("instances/*", "instances/*/bases/*/*", "instances/*/archive/*/*", "backups/*/*")
    return {str(path.relative_to(data)) for one in patterns for path in data.glob(one)}


def state_files(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in data.glob("state.*") if path.is_file()}


def put_back(data: Path, files: dict[str, bytes]) -> None:
    for path in data.glob("state.*"):
        path.unlink()
    for name, content in files.items():
        (data / name).write_bytes(content)


def test_a_killed_servers_lost_state_deletes_nothing(stateful: LocalServer) -> None:
    data, there = stateful.data, bases(stateful.data)
    stateful.kill()
    files = state_files(data)
    for content in (b"", b"", b"garbage" * 999, None):  # twice: nothing was made meanwhile
        (data / "state.sqlite").unlink(missing_ok=True)
        if content is not None:
            (data / "state.sqlite").write_bytes(content)
        if content:  # beside its log, which holds all of it, it would be read from there
            (data / "state.sqlite-wal").unlink()

        refused = start(data)

        assert refused.returncode == 2
        message = refused.stderr.strip().splitlines()[-1]
        assert "Its folder has instances: kept-" in message
        assert "backups of deleted instances: 1 (" in message
        assert "--set-aside" in message
        assert there <= bases(data)
    assert working_in(data) != []  # its clusters live on

    assert start(data, "--stop").returncode == 0

    assert working_in(data) == []
    assert there <= bases(data)
    assert not (data / "state.sqlite").exists()
    home = next(data.glob("instances/kept-*"))
    assert "database system is shut down" in (home / "postgresql.log").read_text()
    put_back(data, files)
    stateful.start()


def test_the_spare_copy_brings_everything_back(stateful: LocalServer) -> None:
    data = stateful.data
    stateful.stop(signal.SIGTERM)
    (data / "state.sqlite").write_bytes(b"")

    command = start(data).stderr.partition("(`")[2].partition("`)")[0]
    subprocess.run(["bash", "-c", command], check=True)

    stateful.start()


def test_an_older_copy_is_refused(stateful: LocalServer) -> None:
    data = stateful.data
    stateful.stop()
    older = (data / "state.sqlite").read_bytes()
    stateful.start()
    stateful.do("POST", "/instances/kept/databases", {"name": "later"})
    stateful.do("DELETE", "/instances/kept/databases/later")
    stateful.stop()
    newest = state_files(data)
    (data / "state.sqlite").write_bytes(older)

    refused = start(data)

    assert refused.returncode == 2
    assert "is an older one" in refused.stderr
    put_back(data, newest)
    stateful.start()


def test_what_is_unknown_is_set_aside_and_kept(stateful: LocalServer) -> None:
    data, there = stateful.data, bases(stateful.data)
    stateful.kill()
    files = state_files(data)
    (data / "state.sqlite").write_bytes(b"")

    stateful.start("--set-aside")

    assert stateful.names() == {}
    assert [path.name for path in (data / "instances").iterdir()] == []
    stateful.create("fresh", backupConfiguration={"enabled": False})
    stateful.delete("fresh")
    stateful.stop()
    (place,) = (data / "aside").iterdir()
    assert there <= bases(place)
    assert (place / "state.sqlite").read_bytes() == b""
    put_back(data, files)
    for name in ("instances", "backups"):  # as a person would who finds the state after all
        for path in (place / name).iterdir():
            path.rename(data / name / path.name)
    shutil.rmtree(data / "aside")
    stateful.start()


def test_an_unknown_backup_alone_is_set_aside(stateful: LocalServer) -> None:
    data = stateful.data
    stateful.stop()
    (unknown,) = data.glob("backups/*")
    with closing(sqlite3.connect(data / "state.sqlite")) as connection:
        (row,) = connection.execute("SELECT * FROM kept_backups").fetchall()
        connection.execute("DELETE FROM kept_backups")
        connection.commit()
    refused = start(data)
    assert f"does not know backups/{unknown.name}" in refused.stderr

    stateful.start("--set-aside")

    assert stateful.names() == {"kept": "RUNNABLE"}
    stateful.stop()
    (place,) = data.glob("aside/*/backups/*")
    place.rename(unknown)
    shutil.rmtree(data / "aside")
    with closing(sqlite3.connect(data / "state.sqlite")) as connection:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO kept_backups VALUES ({marks})", row)  # noqa: S608 - marks
        connection.commit()
    stateful.start()


def test_an_instance_whose_data_is_gone_is_not_forgotten(stateful: LocalServer) -> None:
    stateful.create("lost", backupConfiguration={"enabled": False})
    data = stateful.data
    stateful.stop()
    shutil.rmtree(next(data.glob("instances/lost-*")))

    refused = start(data)
    assert refused.returncode == 2
    assert "knows instances whose data is gone: lost" in refused.stderr

    stateful.start("--set-aside")
    assert stateful.names() == {"kept": "RUNNABLE", "lost": "FAILED"}
    stateful.stop()
    stateful.start()  # it is known now
    stateful.delete("lost")
    shutil.rmtree(data / "aside", ignore_errors=True)
