"""Holds what the instance keeps, and how far it reaches back, against what is declared: pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ops import durations
from ops.backupruns import AUTOMATED, SUCCESSFUL, UNDER_WAY
from ops.cloudsql import BackupRun, Body, KeptBackup, RecoveryWindow
from ops.results import CheckResult, State

if TYPE_CHECKING:  # pydantic is loaded only when a task runs: `invoke --list` stays fast
    from infra.settings import Backup

# The log goes to Cloud Storage every five minutes or sooner, so that much is on its way:
# https://cloud.google.com/sql/docs/postgres/backup-recovery/pitr
UPLOAD_INTERVAL = timedelta(minutes=5)
# A window's first day is cut off by the hour, and its oldest base backup by the backup window.
EDGE = timedelta(days=1)
KEPT_WARNING = timedelta(days=7)
_APPLY = "Run `pulumi up`, or correct the stack; `invoke drift` shows all that differs."


@dataclass(frozen=True, slots=True)
class Live:
    """What an instance's configuration says of its backups.

    Attributes:
        enabled: whether automated backups are taken.
        start_time: when their window begins, ``HH:MM`` in UTC.
        retained: how many of them are kept.
        point_in_time: whether the log is kept too.
        log_days: for how many days it is.
        final_days: for how long a last backup outlives the instance; None for no last backup.
        retained_on_delete: whether the others outlive the instance.
        created: when the instance was made; None where the API does not tell.
    """

    enabled: bool
    start_time: str
    retained: int
    point_in_time: bool
    log_days: int
    final_days: int | None
    retained_on_delete: bool
    created: datetime | None


def live(body: Body) -> Live:
    """Return what an instance's body in the API says of its backups."""
    settings = body.get("settings", {})
    backup = settings.get("backupConfiguration", {})
    final = settings.get("finalBackupConfig", {})
    created = body.get("createTime")
    return Live(
        enabled=bool(backup.get("enabled", False)),
        start_time=str(backup.get("startTime", "")),
        retained=int(backup.get("backupRetentionSettings", {}).get("retainedBackups", 0)),
        point_in_time=bool(backup.get("pointInTimeRecoveryEnabled", False)),
        log_days=int(backup.get("transactionLogRetentionDays", 0)),
        final_days=int(final.get("retentionDays", 0)) if final.get("enabled") else None,
        retained_on_delete=bool(settings.get("retainBackupsOnDelete", False)),
        created=None if not created else datetime.fromisoformat(str(created)),
    )


def configuration(declared: "Backup", found: Live) -> CheckResult:
    """Tell whether the instance takes and keeps backups as the stack declares."""
    pairs: tuple[tuple[str, str | int, str | int], ...] = (
        ("automated backups", _on(declared.enabled), _on(found.enabled)),
        ("backup window", declared.start_time, found.start_time),
        ("automated backups kept", declared.retained, found.retained),
        ("point-in-time recovery", _on(declared.point_in_time), _on(found.point_in_time)),
        ("days of log", declared.log_retention_days, found.log_days),
        ("days of a final backup", declared.final_days or "none", found.final_days or "none"),
        ("backups outlive", _on(declared.retained_on_delete), _on(found.retained_on_delete)),
    )
    if not declared.enabled:
        pairs = pairs[:1]
    lines = tuple(
        f"{name}: {have}; the stack declares {want}" for name, want, have in pairs if want != have
    )
    total = len(pairs)
    if lines:
        words = f"{len(lines)} of {total} settings of backups are not as declared"
        return CheckResult(
            "configuration", State.FINDING, total, total, words, lines, remedy=_APPLY
        )
    words = "backups are configured as the stack declares"
    return CheckResult("configuration", State.OK, total, total, words)


def _on(value: bool) -> str:  # noqa: FBT001 - a word for it
    return "on" if value else "off"


def retention(declared: "Backup", due: int, runs: Sequence[BackupRun]) -> CheckResult:
    """Tell whether as many automated backups are kept as are declared, and can be.

    Args:
        declared: what the stack declares.
        due: how many there can be by now.
        runs: the instance's backup runs.
    """
    if not declared.enabled:
        words = "the stack declares no automated backups"
        return CheckResult("retention", State.NOT_APPLICABLE, 0, 0, words)
    good = [run for run in runs if run.type == AUTOMATED and run.status == SUCCESSFUL]
    want = min(declared.retained, due)
    demanded = sum(run.type != AUTOMATED and run.status == SUCCESSFUL for run in runs)
    more = f", and {demanded} on demand, which stay until they are deleted" if demanded else ""
    words = f"{len(good)} automated backups are kept of {declared.retained} declared{more}"
    if len(good) < want:
        remedy = "See which are missing below; what is gone can't be had back."
        return CheckResult("retention", State.FINDING, len(good), want, words, remedy=remedy)
    return CheckResult("retention", State.OK, len(good), len(good), words)


def location(declared: "Backup", runs: Sequence[BackupRun]) -> CheckResult:
    """Tell whether every backup is kept where the stack declares."""
    told = [run for run in runs if run.status == SUCCESSFUL and run.location]
    if declared.location is None or not told:
        words = "no place is declared" if declared.location is None else "no backup tells its place"
        return CheckResult("location", State.NOT_APPLICABLE, 0, 0, words)
    lines = tuple(
        f"run {run.id}: {run.location}" for run in told if run.location != declared.location
    )
    if lines:
        words = f"{len(lines)} of {len(told)} backups are not kept in {declared.location}"
        remedy = "Those taken before the place was changed stay where they are until they expire."
        return CheckResult(
            "location", State.FINDING, len(told), len(told), words, lines, remedy=remedy
        )
    words = f"all {len(told)} backups are kept in {declared.location}"
    return CheckResult("location", State.OK, len(told), len(told), words)


def reaches_back(
    declared: "Backup", found: Live, window: RecoveryWindow | None, now: datetime
) -> CheckResult:
    """Tell whether point-in-time recovery reaches back over the days that are declared.

    Args:
        declared: what the stack declares.
        found: the instance's configuration; a younger instance reaches back to its making.
        window: None where the API does not tell.
        now: by the clock that the instance lives by.
    """
    if not declared.point_in_time:
        words = "the stack declares no point-in-time recovery"
        return CheckResult("recovery_window", State.NOT_APPLICABLE, 0, 0, words)
    if not found.point_in_time:
        words = "point-in-time recovery is off"
        return CheckResult("recovery_window", State.FINDING, 1, 1, words, remedy=_APPLY)
    if window is None or window.earliest is None:
        words = "the API does not tell how far recovery reaches back"
        return CheckResult("recovery_window", State.UNKNOWN, 0, 1, words)
    wanted = now - timedelta(days=declared.log_retention_days) + EDGE
    since = max(wanted, found.created + EDGE) if found.created else wanted
    facts = {"earliest": window.earliest, "latest": window.latest}
    words = f"recovery reaches back {durations.words(now - window.earliest)}"
    if window.earliest > since:
        detail = f"{words}; {declared.log_retention_days} days are declared"
        remedy = (
            "The log before that is gone: recovery begins at the oldest backup since it was"
            " switched on. See when point-in-time recovery was enabled and the days changed."
        )
        return CheckResult(
            "recovery_window", State.FINDING, 1, 1, detail, evidence=facts, remedy=remedy
        )
    return CheckResult("recovery_window", State.OK, 1, 1, words, evidence=facts)


def final_backups(kept: Sequence[KeptBackup], instance: str, now: datetime) -> CheckResult:
    """Tell of the backups that outlived an earlier instance of this name: are they sound?

    They are the only thing left of it, so one that failed or ends within a week is a finding.
    """
    ours = [one for one in kept if one.instance == instance and one.instance_deleted is not None]
    if not ours:
        words = "no deleted instance of this name left backups"
        return CheckResult("final_backups", State.NOT_APPLICABLE, 0, 0, words)
    lines = tuple(_kept_lines(ours, now))
    words = f"{len(ours)} backups of a deleted {instance} are kept"
    if lines:
        remedy = "Restore or export what is still needed: `gcloud sql backups describe NAME`."
        return CheckResult(
            "final_backups", State.FINDING, len(ours), len(ours), words, lines, remedy=remedy
        )
    return CheckResult("final_backups", State.OK, len(ours), len(ours), words)


def _kept_lines(kept: Sequence[KeptBackup], now: datetime) -> Iterator[str]:
    for one in kept:
        if one.state not in {SUCCESSFUL, *UNDER_WAY}:
            yield f"{one.name} ({one.type}): {one.state}"
        elif one.expires is not None and one.expires - now < KEPT_WARNING:
            yield f"{one.name} ({one.type}): is deleted in {durations.words(one.expires - now)}"
