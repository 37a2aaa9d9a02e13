"""What there should be of backups: pure decisions."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.settings import Backup
from ops import backupruns
from ops.backups import archiving, gaps, policy
from ops.backups.archiving import Archiver
from ops.backups.gaps import Archive, Segment
from ops.checks.result import CheckResult, State
from ops.cloudsql import BackupRun, KeptBackup, RecoveryWindow

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
DECLARED = Backup(
    enabled=True,
    start_time="03:00",
    retained=3,
    location="asia",
    point_in_time=True,
    log_retention_days=3,
    final_days=30,
    retained_on_delete=True,
)
BODY = {
    "createTime": "2026-01-01T00:00:00Z",
    "settings": {
        "backupConfiguration": {
            "enabled": True,
            "startTime": "03:00",
            "location": "asia",
            "backupRetentionSettings": {"retainedBackups": 3},
            "pointInTimeRecoveryEnabled": True,
            "transactionLogRetentionDays": 3,
        },
        "finalBackupConfig": {"enabled": True, "retentionDays": 30},
        "retainBackupsOnDelete": True,
    },
}
OLD = datetime(2026, 1, 1, tzinfo=UTC)


def _run(day: int, status: str = "SUCCESSFUL", hour: int = 3, kind: str = "AUTOMATED") -> BackupRun:
    began = datetime(2026, 5, day, hour, 10, tzinfo=UTC)
    error = "full" if status == "FAILED" else ""
    ended = began + timedelta(minutes=2)
    return BackupRun(f"{day}{hour:02}", "db", status, kind, "", began, ended, error, None, "asia")


def _expected(*runs: BackupRun, created: datetime = OLD, now: datetime = NOW) -> CheckResult:
    newest_first = sorted(runs, key=lambda run: int(run.id), reverse=True)
    return backupruns.checks(DECLARED, created, newest_first, now)[0]


def test_every_window_of_the_retention_has_its_run() -> None:
    found = _expected(_run(10), _run(9), _run(8))
    assert (found.state, found.examined) == (State.OK, 3)


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ((_run(10), _run(8)), "2026-05-09 03:00 UTC: MISSING"),
        (
            (_run(10, "FAILED"), _run(9), _run(8)),
            "2026-05-10 03:00 UTC: FAILED, run 1003: full",
        ),
        ((_run(10, "SKIPPED"), _run(9), _run(8)), "2026-05-10 03:00 UTC: SKIPPED, run 1003"),
        ((_run(10, "OVERDUE"), _run(9), _run(8)), "2026-05-10 03:00 UTC: OVERDUE, run 1003"),
        ((_run(10, "RUNNING"), _run(9), _run(8)), "2026-05-10 03:00 UTC: STUCK, run 1003"),
        ((_run(10), _run(9), _run(8, kind="ON_DEMAND")), "2026-05-08 03:00 UTC: MISSING"),
    ],
)
def test_a_window_without_a_good_run_is_told(runs: tuple[BackupRun, ...], told: str) -> None:
    found = _expected(*runs)
    assert found.state is State.FINDING
    assert found.differences == (told,)


def test_a_second_try_in_the_same_window_makes_it_good() -> None:
    assert _expected(_run(10, "FAILED"), _run(10, hour=4), _run(9), _run(8)).state is State.OK


def test_a_retry_is_stuck_by_its_own_age_and_not_by_its_windows() -> None:
    before = [_run(10, "FAILED"), _run(9), _run(8)]
    retry = replace(_run(10, "RUNNING", hour=11), window=datetime(2026, 5, 10, 3, tzinfo=UTC))
    assert _expected(retry, *before).state is State.OK
    assert _expected(replace(retry, started=None, enqueued=retry.started), *before).state is (
        State.OK
    )
    old = _expected(retry, *before, now=NOW + timedelta(hours=1, minutes=10))
    assert old.differences == ("2026-05-10 03:00 UTC: STUCK, run 1011",)
    unheard = replace(retry, started=None)
    assert _expected(unheard, *before).differences == ("2026-05-10 03:00 UTC: STUCK, run 1011",)


def test_a_failed_backup_that_is_tried_again_is_unknown() -> None:
    retry, failed = _run(10, "RUNNING", hour=11), _run(10, "FAILED")
    assert backupruns.freshness([retry, failed, _run(9, hour=8)], NOW).state is State.UNKNOWN
    assert backupruns.freshness([failed, _run(9, hour=8)], NOW).state is State.FINDING
    assert backupruns.freshness([failed, retry, _run(9, hour=8)], NOW).state is State.FINDING
    assert backupruns.freshness([retry, failed, _run(8)], NOW).state is State.FINDING
    assert backupruns.freshness([retry, _run(9, hour=10)], NOW).state is State.OK


@pytest.mark.parametrize(
    ("behind", "state"),
    [
        (timedelta(minutes=4), State.OK),
        (timedelta(minutes=6), State.UNKNOWN),
        (timedelta(days=2), State.UNKNOWN),  # else the runs of two days count as there
    ],
)
def test_a_clock_that_is_behind_the_clouds_makes_nothing_good(
    behind: timedelta, state: State
) -> None:
    newest = _run(10)
    assert newest.started is not None
    results = backupruns.checks(
        DECLARED, OLD, [newest, _run(9), _run(8), _run(7)], newest.started - behind
    )
    assert {result.state for result in results} == {state}
    assert all("clock" in result.remedy for result in results if state is State.UNKNOWN)


def test_a_run_that_maintenance_held_up_is_of_its_window() -> None:
    window = datetime(2026, 5, 10, 3, tzinfo=UTC)
    late = replace(_run(10, hour=8), window=window)  # an hour past the window's four
    assert _expected(late, _run(9), _run(8)).state is State.OK
    under_way = replace(late, status="RUNNING", ended=None)
    now = datetime(2026, 5, 10, 9, 30, tzinfo=UTC)
    assert _expected(under_way, _run(9), _run(8), now=now).state is State.OK  # not yet stuck
    assert _expected(_run(10, "SKIPPED"), late, _run(9), _run(8)).state is State.OK


def test_a_window_that_is_open_asks_for_nothing_yet() -> None:
    now = datetime(2026, 5, 10, 8, 59, tzinfo=UTC)  # four hours and two, less a minute
    assert _expected(_run(9), _run(8), _run(7), now=now).state is State.OK
    assert _expected(_run(9), _run(8), now=now).state is State.FINDING
    running = _expected(_run(10, "RUNNING"), created=datetime(2026, 5, 9, 12, tzinfo=UTC), now=now)
    assert running.state is State.UNKNOWN


def test_windows_before_the_instance_count_for_nothing() -> None:
    young = datetime(2026, 5, 9, 12, tzinfo=UTC)
    assert _expected(_run(10), created=young).examined == 1
    assert _expected(created=NOW).state is State.NOT_APPLICABLE


def test_the_configuration_is_as_declared_or_each_difference_is_told() -> None:
    good = policy.configuration(DECLARED, policy.live(BODY))
    assert good.state is State.OK
    bare = policy.configuration(DECLARED, policy.live({"settings": {}}))
    assert bare.state is State.FINDING
    assert len(bare.differences) == 8
    assert "point-in-time recovery: off; the stack declares on" in bare.differences
    off = Backup(
        enabled=False,
        start_time="03:00",
        retained=3,
        location=None,
        point_in_time=False,
        log_retention_days=3,
        final_days=None,
        retained_on_delete=False,
    )
    assert policy.configuration(off, policy.live({})).state is State.OK
    assert policy.configuration(replace(off, final_days=30), policy.live({})).state is State.FINDING


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("location", "us", "place of backups: us; the stack declares asia"),
        ("backupTier", "ENHANCED", "tier of backups: ENHANCED; the stack declares STANDARD"),
        ("transactionLogRetentionDays", 1, "days of log: 1; the stack declares 3"),
        ("startTime", "04:00", "backup window: 04:00; the stack declares 03:00"),
    ],
)
def test_whatever_decides_where_and_how_long_is_compared(
    path: str, value: object, told: str
) -> None:
    settings: dict[str, Any] = deepcopy(BODY["settings"])  # type: ignore[arg-type]  # JSON
    settings["backupConfiguration"][path] = value
    found = policy.configuration(DECLARED, policy.live({"settings": settings}))
    assert found.differences == (told,)
    nowhere = replace(DECLARED, location=None)
    found = policy.configuration(nowhere, policy.live(BODY))
    assert found.differences == (
        "place of backups: asia; the stack declares the nearest multi-region",
    )


def test_fewer_backups_than_can_be_there_are_told() -> None:
    runs = [_run(10), _run(9), _run(8, kind="ON_DEMAND")]
    assert policy.retention(DECLARED, 2, runs).state is State.OK
    found = policy.retention(DECLARED, 3, runs)
    assert found.state is State.FINDING
    assert found.detail.startswith("2 automated backups are kept of 3 declared, and 1 on demand")


def test_a_backup_kept_elsewhere_is_told() -> None:
    assert policy.location(DECLARED, "", [_run(10)]).state is State.OK
    found = policy.location(DECLARED, "", [_run(10), replace(_run(9), location="us")])
    assert found.differences == ("run 903: us",)
    nowhere = replace(DECLARED, location=None)
    assert policy.location(nowhere, "asia-east1", [_run(10)]).state is State.OK
    assert policy.location(nowhere, "us-east1", [_run(10)]).state is State.FINDING
    assert policy.location(nowhere, "me-west1", [_run(10)]).state is State.UNKNOWN
    assert policy.location(DECLARED, "", []).state is State.NOT_APPLICABLE
    silent = policy.location(DECLARED, "", [_run(10), replace(_run(9), location="")])
    assert silent.state is State.UNKNOWN


@pytest.mark.parametrize(
    ("earliest", "created", "state"),
    [
        (NOW - timedelta(days=3), OLD, State.OK),
        (NOW - timedelta(days=2, hours=1), OLD, State.OK),
        (NOW - timedelta(days=1, hours=23), OLD, State.FINDING),
        (NOW - timedelta(hours=5), NOW - timedelta(hours=5), State.OK),
        (None, OLD, State.UNKNOWN),
    ],
)
def test_recovery_reaches_back_over_the_declared_days(
    earliest: datetime | None, created: datetime, state: State
) -> None:
    live = replace(policy.live(BODY), created=created)
    window = RecoveryWindow(earliest, NOW)
    assert policy.reaches_back(DECLARED, live, window, NOW).state is state


def test_recovery_that_is_off_is_told() -> None:
    off = replace(policy.live(BODY), point_in_time=False)
    assert policy.reaches_back(DECLARED, off, None, NOW).state is State.FINDING
    undeclared = replace(DECLARED, point_in_time=False)
    assert policy.reaches_back(undeclared, off, None, NOW).state is State.NOT_APPLICABLE


GOOD = Archiver(
    archives=True,
    failing=False,
    failed=None,
    waiting=0,
    oldest_s=None,
    timeout_s=60,
    running=9,
    running_bytes=archiving.HEADER_BYTES,
)


@pytest.mark.parametrize(
    ("minutes", "server", "state"),
    [
        (9, None, State.OK),
        (11, None, State.UNKNOWN),
        (11, GOOD, State.OK),
        (11, replace(GOOD, failing=True, failed="0" * 24), State.FINDING),
        (11, replace(GOOD, waiting=2, oldest_s=61.0), State.FINDING),
        (11, replace(GOOD, waiting=1, oldest_s=0.5), State.OK),
        (11, replace(GOOD, archives=False), State.UNKNOWN),
        (11, replace(GOOD, timeout_s=0), State.UNKNOWN),
        (11, replace(GOOD, timeout_s=3600), State.UNKNOWN),
    ],
)
def test_an_idle_database_is_told_from_an_archive_that_stands(
    minutes: int, server: Archiver | None, state: State
) -> None:
    window = RecoveryWindow(None, NOW - timedelta(minutes=minutes))
    assert archiving.latest(window, 300, NOW, server).state is state
    assert archiving.behind(window, 300, NOW) is (minutes > 10)


def test_what_is_in_the_running_segment_is_not_called_archived() -> None:
    window = RecoveryWindow(None, NOW - timedelta(minutes=11))
    running = archiving.latest(window, 300, NOW, replace(GOOD, running_bytes=5000))
    assert "The running one is not: 5000 bytes" in running.detail
    assert "running" not in archiving.latest(window, 300, NOW, GOOD).detail
    assert "No route." in archiving.latest(window, 300, NOW, None, "No route.").remedy


def _archive(*numbers: int, timeline: int = 1, days: float = 1.0) -> tuple[Segment, ...]:
    at = NOW - timedelta(days=days)
    names = (f"{timeline:08X}{number >> 8:08X}{number & 255:08X}" for number in numbers)
    return tuple(Segment(name, gaps.SEGMENT_BYTES, at) for name in names)


WINDOW = RecoveryWindow(NOW - timedelta(days=3), NOW)
OLDER = _archive(1, 2, days=4)


@pytest.mark.parametrize(
    ("archived", "server", "state"),
    [
        (_archive(5, 6, 7, 8), GOOD, State.OK),
        (_archive(5, 6, 8), GOOD, State.FINDING),
        (_archive(5, 6, 7), GOOD, State.FINDING),
        (_archive(5, 6, 7), replace(GOOD, waiting=1, oldest_s=0.1), State.OK),
        (_archive(5, 6, 7, 8, 9), GOOD, State.OK),  # finished since the server was asked
        ((*OLDER, *_archive(4, days=3.5), *_archive(5, 6, 7, 8)), GOOD, State.OK),
        ((*OLDER, *_archive(5, 6, 7, 8)), GOOD, State.FINDING),
        ((*_archive(5, 6), *_archive(6, 7, 8, timeline=2)), GOOD, State.OK),
        ((*_archive(5), *_archive(7, 8, timeline=2)), GOOD, State.FINDING),
        # the first timeline's sixth is whole, and what the second wrote there is gone
        ((*_archive(5, 6, 7), *_archive(7, 8, timeline=2)), GOOD, State.FINDING),
        ((*_archive(5, 6, 7, 8), *_archive(6, 7, timeline=2)), GOOD, State.FINDING),
        (_archive(254, 255, 256), replace(GOOD, running=257), State.OK),
        (_archive(255, 257), replace(GOOD, running=258), State.FINDING),
        ((*_archive(5, 6, 7), replace(_archive(8)[0], size_bytes=0)), GOOD, State.FINDING),
        ((), GOOD, State.UNKNOWN),
    ],
)
def test_a_gap_inside_the_recovery_window_is_found(
    archived: tuple[Segment, ...], server: Archiver, state: State
) -> None:
    histories = {2: {1: 6}} if any(one.timeline == 2 for one in archived) else {}
    assert gaps.judge([Archive(archived, histories)], server, WINDOW).state is state


def test_every_archive_and_every_history_counts() -> None:
    whole, holed = Archive(_archive(5, 6, 7, 8)), Archive(_archive(1, 3))
    assert gaps.judge([holed, whole], GOOD, WINDOW).state is State.FINDING
    assert gaps.judge([Archive(()), whole], GOOD, WINDOW).state is State.OK
    off = gaps.judge([Archive(_archive(1, 2)), whole], GOOD, WINDOW)
    assert off.differences[0].startswith("000000010000000000000005: 2 before it never archived")
    assert gaps.judge([Archive(OLDER), whole], GOOD, RecoveryWindow(NOW, NOW)).state is State.OK
    restored = Archive(_archive(4, 5, 6, 7, 8, timeline=2))
    assert gaps.judge([Archive(_archive(1, 2)), restored], GOOD, WINDOW).state is State.OK
    second = (*_archive(5), *_archive(6, 7, 8, timeline=2))
    unread = gaps.judge([Archive(second)], GOOD, WINDOW)
    assert "00000002.history: missing" in unread.differences


def test_where_the_archive_is_not_listed_that_is_said() -> None:
    assert gaps.judge([Archive(_archive(8))], GOOD, None).state is State.UNKNOWN
    assert gaps.not_listed().detail.startswith("not looked at")


def test_an_unknown_end_of_recovery_is_unknown() -> None:
    assert archiving.latest(None, 300, NOW, None).state is State.UNKNOWN


def test_what_a_deleted_instance_left_is_looked_after() -> None:
    kept = KeptBackup("projects/p/backups/1", "db", "FINAL", "SUCCESSFUL", NOW + timedelta(9), OLD)
    assert policy.final_backups([kept], "db", NOW).state is State.OK
    assert policy.final_backups([kept], "other", NOW).state is State.NOT_APPLICABLE
    failed = policy.final_backups([replace(kept, state="FAILED")], "db", NOW)
    assert failed.differences == ("projects/p/backups/1 (FINAL): FAILED",)
    ending = policy.final_backups([replace(kept, expires=NOW + timedelta(days=2))], "db", NOW)
    assert ending.differences == ("projects/p/backups/1 (FINAL): is deleted in 2 d",)
    there = replace(kept, instance_deleted=None)
    assert policy.final_backups([there], "db", NOW).state is State.NOT_APPLICABLE
