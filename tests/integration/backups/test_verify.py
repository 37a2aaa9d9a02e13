"""backup.verify: silent where every window has its run, loud where one has not."""

import os
import signal
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ops.backups import archiving, gaps
from ops.backups.create import create
from ops.backups.describing import LastBackupError, NoSuchRunError, delete, describe
from ops.backups.verify import Verification, verify
from ops.checks.result import State
from ops.db import CHANGE, Database, LibpqPasswords
from ops.errors import OpsError
from ops.guard import NO_CONSENT, Consent, UnansweredError
from ops.invocation import Invocation
from ops.localserver import Server

LIMIT_S = 30


def _states(found: Verification) -> dict[str, State]:
    return {one.check: one.state for one in found.checks}


def _to(server: Server, hour: int, minute: int = 0) -> None:
    """Set the clock forward to the next time that it is so late."""
    now = server.now()
    moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    moment += timedelta(days=moment <= now)
    server.ask("POST", "clock", {"to": moment.isoformat()})


def _wait_for_window(run: Invocation, began: datetime) -> None:
    """Wait until the automated backup of a window has ended, well or not."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        for one in run.cloud.backup_runs(run.target.instance):
            mine = one.window is not None and one.window >= began
            if mine and one.type == "AUTOMATED" and one.status in {"SUCCESSFUL", "FAILED"}:
                return
        time.sleep(0.1)
    pytest.fail("no automated backup was taken")


def _next_backup(run: Invocation, server: Server) -> None:
    before = server.now()
    _to(server, 19, 1)
    _wait_for_window(run, before)


def _admin(run: Invocation, server: Server) -> Database:
    local = server.instance(run.target.instance)
    assert local is not None
    return Database(str(local.socket), local.port, run.target.database, LibpqPasswords())


def _archiver(run: Invocation) -> archiving.Archiver:
    monitor = run.target.settings.users.monitor
    with run.database().connect(monitor, budget=CHANGE) as connection:
        return archiving.archiver(connection)


def _switch_only(run: Invocation, server: Server) -> None:
    with _admin(run, server).connect("cloudsqladmin", budget=CHANGE) as connection:
        connection.execute("SELECT pg_logical_emit_message(true, 'test', '')")
        connection.execute("SELECT pg_switch_wal()")


def _switch(run: Invocation, server: Server) -> None:
    """Finish a segment, and wait until it is archived."""
    _switch_only(run, server)
    deadline = time.monotonic() + LIMIT_S
    while _archiver(run).waiting:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _started(run: Invocation) -> object:
    """Return since when the counters of archiving count; None while nobody answers."""
    with (
        suppress(OpsError),
        run.database().connect(run.target.settings.users.monitor, budget=CHANGE) as connection,
    ):
        return connection.execute("SELECT stats_reset FROM pg_stat_archiver").fetchone()
    return None


def test_days_go_by(run: Invocation, server: Server) -> None:
    """One story, told in order: the clock goes one way only."""
    assert _states(verify(run))["newest_backup"] is State.FINDING  # there is none yet
    create(run, "first", NO_CONSENT)
    young = verify(run)
    assert young.state is State.OK
    assert _states(young)["expected_runs"] is State.NOT_APPLICABLE

    for _ in range(2):
        _next_backup(run, server)
    good = verify(run)
    assert good.state is State.OK, good.blocks()
    assert [one.fate for one in good.windows] == ["SUCCESSFUL", "SUCCESSFUL"]
    assert good.verdict == "pass"

    server.ask("POST", "faults", {"kind": "operation-fails", "match": "BACKUP_VOLUME"})
    _next_backup(run, server)
    failed = verify(run)
    assert failed.windows[0].fate == "FAILED"
    assert _states(failed)["expected_runs"] is State.FINDING
    assert _states(failed)["newest_backup"] is State.FINDING
    server.ask("DELETE", "faults")

    _to(server, 18)  # the next window has not begun: the failed one is over and stays failed
    server.ask("POST", "clock", {"forward_s": 26 * 3600})
    _wait_for_window(run, server.now() - timedelta(hours=4))
    missed = verify(run)
    assert {"FAILED", "SUCCESSFUL"} <= {one.fate for one in missed.windows}
    assert _states(missed)["expected_runs"] is State.FINDING
    lines = next(one for one in missed.checks if one.check == "expected_runs").differences
    assert any("FAILED, run " in line for line in lines), lines


# What somebody may change through the API, and the lines that tell of it: the local stack keeps
# no final backup, and none of the others when the instance is deleted.
CHANGED: dict[str, tuple[dict[str, object], list[str]]] = {
    "kept": (
        {"backupConfiguration": {"backupRetentionSettings": {"retainedBackups": 10}}},
        ["automated backups kept: 10; the stack declares 7"],
    ),
    "log": (
        {"backupConfiguration": {"transactionLogRetentionDays": 2}},
        ["days of log: 2; the stack declares 7"],
    ),
    "window": (
        {"backupConfiguration": {"startTime": "03:00"}},
        ["backup window: 03:00; the stack declares 19:00"],
    ),
    "place": (
        {"backupConfiguration": {"location": "us"}},
        ["place of backups: us; the stack declares the nearest multi-region"],
    ),
    "tier": (
        {"backupConfiguration": {"backupTier": "ENHANCED"}},
        ["tier of backups: ENHANCED; the stack declares STANDARD"],
    ),
    "recovery": (
        {"backupConfiguration": {"pointInTimeRecoveryEnabled": False}},
        ["point-in-time recovery: off; the stack declares on"],
    ),
    "backups": (
        {"backupConfiguration": {"enabled": False, "pointInTimeRecoveryEnabled": False}},
        [
            "automated backups: off; the stack declares on",
            "point-in-time recovery: off; the stack declares on",
        ],
    ),
    "final backup": (
        {"finalBackupConfig": {"enabled": True, "retentionDays": 5}},
        ["days of a final backup: 5; the stack declares none"],
    ),
    "final backup without days": (
        {"finalBackupConfig": {"enabled": True}},
        ["days of a final backup: 30; the stack declares none"],
    ),
    "outlive": (
        {"retainBackupsOnDelete": True},
        ["backups outlive: on; the stack declares off"],
    ),
}


def test_each_setting_that_is_not_as_declared_is_told(run: Invocation) -> None:
    cloud, name = run.cloud, run.target.instance
    before = dict(cloud.instance(name).body["settings"])
    blocks = {key: before.get(key) for key in ("backupConfiguration", "finalBackupConfig")}
    blocks["retainBackupsOnDelete"] = False
    for what, (settings, lines) in CHANGED.items():
        cloud.wait(cloud.patch(name, {"settings": settings}))
        found = next(one for one in verify(run).checks if one.check == "configuration")
        assert found.state is State.FINDING, what
        assert list(found.differences) == lines, what
        whole = dict(cloud.instance(name).body["settings"]) | blocks
        cloud.wait(cloud.update(name, {"settings": whole}))
        assert _states(verify(run))["configuration"] is State.OK, what


def test_a_backup_is_described_and_the_last_one_is_not_deleted(run: Invocation) -> None:
    made = create(run, "to be deleted", NO_CONSENT)
    described = describe(run, made.id)
    assert described.run.description == "to be deleted"
    assert described.newer == 0
    assert described.record
    with pytest.raises(UnansweredError, match=f"delete backup run {made.id}"):
        delete(run, made.id, NO_CONSENT)
    delete(run, made.id, Consent(yes=True))
    for given in (made.id, "x", "9" * 30):
        with pytest.raises(NoSuchRunError):
            describe(run, given)
    good = [one for one in run.cloud.backup_runs(run.target.instance) if one.status == "SUCCESSFUL"]
    for one in good[1:]:
        delete(run, one.id, Consent(yes=True))
    with pytest.raises(LastBackupError):
        delete(run, good[0].id, NO_CONSENT)


def test_a_server_says_whether_its_archive_stands(run: Invocation, server: Server) -> None:
    local = server.instance(run.target.instance)
    assert local is not None

    def asked() -> archiving.Archiver:
        return _archiver(run)

    def settled(*, failing: bool) -> archiving.Archiver:
        deadline = time.monotonic() + LIMIT_S
        while (found := asked()).failing != failing or (not failing and found.waiting):
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        return found

    _switch_only(run, server)
    healthy = settled(failing=False)
    assert (healthy.archives, healthy.waiting, healthy.timeout_s) == (True, 0, 60)
    mode = local.archive.stat().st_mode
    away = local.archive.with_name("archive-away")
    local.archive.rename(away)
    try:
        _switch_only(run, server)
        broken = settled(failing=True)
    finally:
        away.rename(local.archive)
        local.archive.chmod(mode)
    assert broken.failed is not None
    assert broken.waiting >= 1
    assert broken.oldest_s is not None
    settled(failing=False)


def test_a_segment_that_is_gone_is_a_gap(run: Invocation, server: Server) -> None:
    local = server.instance(run.target.instance)
    assert local is not None
    for _ in range(3):
        _switch(run, server)
    names = [one.name for one in gaps.archives(local.archive)[-1].segments]
    whole = _states(verify(run))["recovery_gaps"]
    assert whole is State.OK
    for lost in (names[-2], names[-1]):  # one in the midst, and the newest
        away = local.archive.with_name(lost)
        (local.archive / lost).rename(away)
        try:
            found = next(one for one in verify(run).checks if one.check == "recovery_gaps")
        finally:
            away.rename(local.archive / lost)
        assert found.state is State.FINDING, lost
        assert "1 missing" in found.differences[0]
    assert _states(verify(run))["recovery_gaps"] is State.OK


def test_an_idle_server_that_crashed_is_no_finding(run: Invocation, server: Server) -> None:
    """A crash resets pg_stat_archiver, and an idle server archives nothing afterwards."""
    _switch(run, server)
    local = server.instance(run.target.instance)
    assert local is not None
    started = _started(run)
    postmaster = int((local.home / "postmaster.pid").read_text().split("\n", 1)[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    # One that is always there: a worker may be gone by now, and its end restarts nothing.
    (checkpointer,) = [
        pid for pid in children if "checkpointer" in Path(f"/proc/{pid}/cmdline").read_text()
    ]
    os.kill(int(checkpointer), signal.SIGKILL)  # the server restarts all its processes
    deadline = time.monotonic() + LIMIT_S
    while _started(run) in {None, started}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    server.ask("POST", "clock", {"forward_s": 3600})
    checks = {one.check: one for one in verify(run).checks}
    assert checks["latest_recovery"].state is State.OK, checks["latest_recovery"]
    assert checks["recovery_gaps"].state is State.OK
