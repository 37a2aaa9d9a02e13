"""When automated backups are due and which have had their day: pure decisions.

A backup window begins at startTime, UTC, and is four hours long. The local Cloud SQL takes
the backup at its beginning. Where windows were missed (the server was down, the clock was
set forward) the last one is made up for; the ones before are not.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.model import BackupRun, Body, Instance, InstanceState, RunStatus

WINDOW = timedelta(hours=4)
# A backup that failed is tried again as long as its window is open.
AGAIN = timedelta(minutes=15)
AUTOMATED, ON_DEMAND, FINAL = "AUTOMATED", "ON_DEMAND", "FINAL"
_DAY = timedelta(days=1)
_SINCE = "backups_since"
_DEFAULT_RETAINED = 7


def backups(settings: Body) -> Body:
    """Return the backup configuration in an instance's settings."""
    configuration: Body = settings.get("backupConfiguration") or {}
    return configuration


def retained(settings: Body) -> int:
    """Return how many automated backups are kept."""
    retention = backups(settings).get("backupRetentionSettings") or {}
    return int(retention.get("retainedBackups") or _DEFAULT_RETAINED)


def log_days(settings: Body) -> int:
    """Return for how many days the log for point-in-time recovery is kept."""
    return int(backups(settings).get("transactionLogRetentionDays") or _DEFAULT_RETAINED)


def window_at(settings: Body, now: datetime) -> datetime:
    """Return when the last backup window began."""
    hour, minute = str(backups(settings).get("startTime") or "00:00").split(":")
    today = now.astimezone(UTC).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    return today if today <= now else today - _DAY


def facts_after(before: Instance, settings: Body, now: datetime) -> dict[str, Any]:
    """Return an instance's facts with other settings: since when its schedule is what it is."""
    old, new = backups(before.settings), backups(settings)
    names = ("enabled", "startTime")
    same = all(old.get(name) == new.get(name) for name in names)
    return dict(before.facts) if same else {**before.facts, _SINCE: now.isoformat()}


def due(instance: Instance, runs: Sequence[BackupRun], now: datetime) -> datetime | None:
    """Return when the window began whose automated backup is to be taken now, or None.

    Args:
        instance: The instance.
        runs: Its backup runs.
        now: The clock's time.
    """
    enabled = backups(instance.settings).get("enabled") and not instance.stopped
    if not enabled or instance.primary is not None or instance.state is not InstanceState.RUNNABLE:
        return None
    window = window_at(instance.settings, now)
    since = instance.facts.get(_SINCE)
    if window <= (datetime.fromisoformat(since) if since else instance.created):
        return None
    tried = [run for run in runs if run.type == AUTOMATED and run.window == window]
    if any(run.status is not RunStatus.FAILED for run in tried):
        return None
    last = max((run.enqueued for run in tried), default=None)
    if last is not None and (now < last + AGAIN or now >= window + WINDOW):
        return None
    return window


def expired(runs: Sequence[BackupRun], keep: int, now: datetime) -> list[BackupRun]:
    """Return the backup runs to be deleted, oldest first.

    The newest automated ones stay, as many as are to be kept; those taken on demand are not
    counted. An automated one that failed goes with the ones of its time.
    """
    good = sorted(
        (run for run in runs if run.type == AUTOMATED and run.status is RunStatus.SUCCESSFUL),
        key=lambda run: run.enqueued,
        reverse=True,
    )
    expired_runs = good[keep:]
    if expired_runs:
        expired_runs += [
            run
            for run in runs
            if run.type == AUTOMATED
            and run.status is RunStatus.FAILED
            and run.enqueued < expired_runs[0].enqueued
        ]
    expired_runs += [run for run in runs if run.expires is not None and run.expires <= now]
    return sorted(expired_runs, key=lambda run: run.id)
