"""Holds an instance's backup runs against what there should be: pure, asks nobody."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from ops.cloudsql import BackupRun
from ops.results import CheckResult, State

# Automated backups start once a day inside a window of four hours
# (https://cloud.google.com/sql/docs/postgres/backup-recovery/backups), and take a while.
BACKUP_AGE_LIMIT = timedelta(hours=28) + timedelta(hours=2)


def freshness(runs: Sequence[BackupRun], now: datetime) -> CheckResult:
    """Tell whether there is a successful backup that is young enough, and none failed after it."""
    good = next((run for run in runs if run.status == "SUCCESSFUL"), None)
    failed = []
    for one in runs:
        if one is good:
            break
        if one.status in {"FAILED", "SKIPPED", "OVERDUE"}:
            failed.append(f"run {one.id} is {one.status}: {one.error or 'no reason given'}")
    taken = None if good is None else good.ended or good.started
    if good is None or taken is None:
        detail = "there is no successful backup"
    elif now - taken > BACKUP_AGE_LIMIT:
        detail = f"the newest successful backup, {good.id}, is {_age(now - taken)} old"
    elif failed:
        detail = f"backups failed after the newest successful one, {good.id}"
    else:
        detail = f"the newest successful backup, {good.id}, is {_age(now - taken)} old"
        return CheckResult("backups", State.OK, len(runs), len(runs), detail)
    return CheckResult(
        "backups",
        State.FINDING,
        len(runs),
        len(runs),
        detail,
        tuple(failed),
        remedy="Look at `invoke backup.list`, and take one with `invoke backup.create`.",
    )


def _age(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds() // 60))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"  # noqa: PLR2004 - minutes an hour
