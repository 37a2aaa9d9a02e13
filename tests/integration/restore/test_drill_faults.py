"""Drills while the cloud, the network or the source fails: told, cleaned up, recorded."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops.checks.questions import sequence_reach as reach
from ops.checks.result import CheckResult, State
from ops.cloudsql import CloudSql, Instance, calls
from ops.console import Phase, Silent
from ops.db import CHANGE, DIAGNOSTIC, Connection
from ops.evidence import chain
from ops.journal import unfinished
from ops.restore import cleanup
from ops.restore.drill import perform as drills
from ops.restore.drill import preflight
from ops.restore.drill.options import TimeLimit, TimeLimitError
from ops.restore.drill.perform import Options, Report, perform
from ops.restore.drill.sweep import sweep_held
from ops.restore.faults import wal
from ops.restore.source import ROOM, Source
from tests.integration.restore.network import Network, network

Add = Callable[..., None]


@pytest.fixture
def fault(source: Source) -> Iterator[Add]:
    """Put faults of the local Cloud SQL in force; all are lifted after the test."""
    assert source.server is not None
    server = source.server

    def add(kind: str, **more: object) -> None:
        server.ask("POST", "faults", {"kind": kind, **more})

    yield add
    server.ask("DELETE", "faults")


@pytest.fixture
def wire(source: Source) -> Iterator[Network]:
    assert source.server is not None
    with network("127.0.0.1", source.server.port) as made:
        yield made


def results(report: Report, copy: str) -> dict[str, CheckResult]:
    return {one.result.check: one.result for one in report.checks if one.copy == copy}


def recorded(report: Report) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(Path(report.evidence).read_bytes())["drill"]
    return told


def whole(source: Source) -> None:
    """The chain of evidence is whole, whatever happened."""
    checks = chain.verify(source.store, ROOM)
    assert {one.state for one in checks} == {State.OK}, checks


class Told(Silent):
    """Keeps the lines, and calls back when a phase begins."""

    def __init__(self, at: str = "", do: Callable[[], None] | None = None) -> None:
        self.lines: list[str] = []
        self._at, self._do = at, do

    def line(self, text: str) -> None:
        self.lines.append(text)

    @contextmanager
    def phase(self, title: str, total: float | None = None) -> Iterator[Phase]:
        if self._do is not None and title.startswith(self._at):
            self._do()
        with super().phase(title, total) as shown:
            yield shown


def test_storms_and_other_operations_are_waited_out(source: Source, fault: Add) -> None:
    fault("unavailable", match="*", share=0.2, seed=5)
    fault("rate-limit", match="operations.get", count=2, seconds=1)
    fault("busy", match="instances.clone", count=2)
    told = Told()
    report = perform(source, Options(), told)
    assert report.verdict == "pass", report.blocks()
    assert any(
        line.startswith("Another operation is under way: waiting to clone") for line in told.lines
    )


def test_a_copy_that_cannot_be_made_leaves_the_other_to_be_proven(
    source: Source, fault: Add
) -> None:
    fault("operation-fails", match="CREATE", code="QUOTA", message="no room", count=1)
    report = perform(source, Options(), Silent())
    assert report.verdict == "unknown"
    backup = results(report, "backup")["restored"]
    assert (backup.state, "no room" in backup.detail) == (State.UNKNOWN, True)
    assert results(report, "clone")["content"].state is State.OK
    assert results(report, "drill")["completed"].state is State.OK
    assert report.leftovers == ()


def test_a_restore_that_fails_is_a_finding(source: Source, fault: Add) -> None:
    fault("operation-fails", match="RESTORE*", message="broken")
    report = perform(source, Options(), Silent())
    assert report.verdict == "fail"
    assert "broken" in results(report, "backup")["restored"].detail
    assert results(report, "clone")["content"].state is State.OK


class Bell(TimeLimit):
    """A time limit that has passed once it is rung."""

    def __init__(self, rung: Callable[[], bool]) -> None:
        super().__init__(720)
        self._rung = rung

    def check(self) -> None:
        if self._rung():
            raise TimeLimitError(self.seconds)


def test_an_operation_that_never_ends_is_bounded_and_told(
    source: Source, fault: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "BUSY_LIMIT_S", 1.0)
    monkeypatch.setattr(drills, "TimeLimit", lambda _: Bell(lambda: _cloning(source)))
    fault("operation-hangs", match="CLONE")
    report = perform(source, Options(), Silent())
    completed = results(report, "drill")["completed"]
    assert completed.state is State.UNKNOWN
    assert "time limit of 12 min has passed" in completed.detail
    (left,) = (line for line in report.leftovers if "(CLONE on" in line)
    assert "gcloud sql operations wait" in left
    assert left in recorded(report)["leftovers"]
    assert source.server is not None
    source.server.ask("DELETE", "faults")
    monkeypatch.setattr(cleanup, "BUSY_LIMIT_S", 60.0)
    swept = sweep_held(source, report.ended, by="a test")
    assert (swept.leftovers, swept.recorded) == ((), ())
    whole(source)


def test_a_time_limit_ends_what_is_under_way_and_cleans_up(
    source: Source, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reached = tmp_path / "reached"
    monkeypatch.setattr(drills, "TimeLimit", lambda _: Bell(reached.exists))
    report = perform(source, Options(before_verify=f"touch {reached}; sleep 300"), Silent())
    assert report.verdict == "unknown"
    assert report.leftovers == ()
    assert recorded(report)["plan"]["time_limit_s"] == 720


def test_a_network_lost_while_copies_are_made_is_unknown_and_what_comes_back_is_cleaned(
    source: Source, wire: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "SILENCE_LIMIT_S", 0.5)
    monkeypatch.setattr(calls, "POLLS_MISSED", 1)
    away = replace(source, cloud=CloudSql(source.cloud.project, wire.url))
    watcher = threading.Thread(target=_cut_once_begun, args=(source, wire))
    watcher.start()
    report = perform(away, Options(), Silent())
    watcher.join()
    assert report.verdict == "unknown", report.blocks()
    states = {results(report, copy)["restored"].state for copy in ("backup", "clone")}
    assert State.UNKNOWN in states
    assert report.leftovers == ()
    whole(source)


def _cut_once_begun(source: Source, wire: Network) -> None:
    """Cut the network for a while once the clone is under way."""
    while not _cloning(source):
        time.sleep(0.02)
    wire.cut()
    time.sleep(4)
    wire.heal()


def _cloning(source: Source) -> bool:
    entries = [entry for journal in unfinished(source.store, ROOM) for entry in journal.entries()]
    return any(entry.action == "clone" and entry.operation for entry in entries)


def test_credentials_that_run_out_are_told_and_the_next_sweep_cleans_up(
    source: Source, wire: Network, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cleanup, "PATIENCE_S", 1.0)
    away = replace(source, cloud=CloudSql(source.cloud.project, wire.url))
    reached = tmp_path / "reached"

    def expire() -> None:
        while not reached.exists():
            time.sleep(0.02)
        wire.answer(401, "Unauthorized")
        (tmp_path / "expired").touch()

    watcher = threading.Thread(target=expire)
    watcher.start()
    command = f"touch {reached}; while [ ! -e {tmp_path}/expired ]; do sleep 0.1; done"
    report = perform(away, Options(before_verify=command), Silent())
    watcher.join()
    assert report.verdict == "fail"  # by what was left behind
    assert report.leftovers
    assert all("Log in again" in line for line in report.leftovers)
    wire.heal()
    swept = sweep_held(source, report.ended, by="a test")
    assert (len(swept.removed), swept.leftovers, swept.recorded) == (2, (), ())
    whole(source)


def test_a_source_that_drops_our_connections_leaves_the_backup_to_be_proven(
    source: Source,
) -> None:
    ended = threading.Event()

    def drop() -> None:
        query = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'restore-drill'"
        )
        with source.database.connect(source.owner, budget=CHANGE, name="dropper") as connection:
            while not ended.is_set():
                connection.execute(query)
                time.sleep(0.002)

    thread = threading.Thread(target=drop)
    report = perform(source, Options(), Told("Set the marker", thread.start))
    ended.set()
    thread.join()
    assert report.verdict == "unknown", report.blocks()
    assert results(report, "backup")["amcheck"].state is State.OK
    assert State.UNKNOWN in {one.state for one in results(report, "clone").values()}


def test_a_server_that_is_killed_while_it_is_verified_is_unknown_whichever_copy_it_is(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[str] = []
    original = reach.check

    def kill(connection: Connection, *given: object) -> CheckResult:
        at = {one.address: one.name for one in source.cloud.instances()}
        name = at[connection.info.host]
        if name not in (source.instance, *killed):
            killed.append(name)
            os.kill(_postmaster(source, name), signal.SIGKILL)
            with suppress(psycopg.Error):
                while True:  # until the connection is cut
                    connection.execute("SELECT pg_sleep(0.05)")
        return original(connection, *given)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(reach, "check", kill)
    report = perform(source, Options(latest=True), Silent())
    assert len(killed) == 2
    assert report.verdict == "unknown", report.blocks()
    for copy in ("backup", "clone"):
        assert results(report, copy)["sequence_reach"].state is State.UNKNOWN
        assert "went away" in results(report, copy)["sequence_reach"].detail
    assert report.leftovers == ()


def _postmaster(source: Source, name: str) -> int:
    local = source.local(name)
    assert local is not None
    return int((local.home / "postmaster.pid").read_text().split()[0])


class WithoutArchive(CloudSql):
    """Tells that the source has no point-in-time recovery."""

    def find(self, name: str) -> Instance | None:
        found = super().find(name)
        if found is None:
            return None
        settings = {**found.body["settings"], "backupConfiguration": {"enabled": True}}
        return replace(found, body={**found.body, "settings": settings})


def test_without_point_in_time_recovery_and_with_another_password_backups_are_proven(
    source: Source,
) -> None:
    passwords = source.database.passwords
    password = passwords.password(source.owner)
    assert password is not None
    folder: Path = passwords.folder  # type: ignore[attr-defined]  # that of a rehearsal
    assert source.server is not None
    cloud = WithoutArchive(source.cloud.project, source.server.url)
    _set_password(source, folder, "another")
    try:
        report = perform(replace(source, cloud=cloud), Options(), Silent())
    finally:
        _set_password(source, folder, password)
    assert report.verdict == "fail"
    found = results(report, "drill")
    assert found["point_in_time"].state is State.FINDING
    assert "nothing newer can be had" in found["rpo"].detail
    assert report.clone is None
    assert results(report, "backup")["amcheck"].state is State.OK
    assert any("set anew on the copy" in line for line in report.notes)


def _set_password(source: Source, folder: Path, password: str) -> None:
    source.cloud.wait(source.cloud.update_user(source.instance, source.owner, password))
    (folder / source.owner).write_text(f"{password}\n")
    wal.archived(source)  # else the latest moment to recover to may be one of the other password


def test_a_source_without_room_for_our_connections_is_refused(source: Source) -> None:
    with ExitStack() as taken:
        for _ in range(42):
            taken.enter_context(source.database.connect(source.app, budget=DIAGNOSTIC))
        with pytest.raises(preflight.NoConnectionsError, match=r"of its 50; a drill needs"):
            perform(source, Options(), Silent())
    whole(source)
