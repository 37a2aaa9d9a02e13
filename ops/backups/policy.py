"""Holds what the instance keeps, and how far it reaches back, against what is declared: pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ops import durations
from ops.backupruns import AUTOMATED, SUCCESSFUL, UNDER_WAY
from ops.checks.result import CheckResult, Finding, Level, State, finding
from ops.cloudsql import BackupRun, Body, KeptBackup, RecoveryWindow

if TYPE_CHECKING:  # pydantic is loaded only when a task runs: `invoke --list` stays fast
    from infra.settings import Backup

# The log goes to Cloud Storage every five minutes or sooner, so that much is on its way:
# https://cloud.google.com/sql/docs/postgres/backup-recovery/pitr
UPLOAD_INTERVAL = timedelta(minutes=5)
# A window's first day is cut off by the hour, and its oldest base backup by the backup window.
EDGE = timedelta(days=1)
KEPT_WARNING = timedelta(days=7)
# What the API fills in: https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1beta4/instances
USUAL_TIER, USUAL_UNIT = "STANDARD", "COUNT"
# Where nobody says, https://cloud.google.com/sql/docs/postgres/backup-recovery/backups#final-backup
FINAL_DAYS = 30
NEAREST = "the nearest multi-region"
_UNSPECIFIED = "_UNSPECIFIED"
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
        location: where backups are kept; empty for the multi-region nearest to the region.
        tier: who keeps them, as ``STANDARD``; another one has rules of its own for how long.
        unit: what the number of backups kept counts.
    """

    enabled: bool
    start_time: str
    retained: int
    point_in_time: bool
    log_days: int
    final_days: int | None
    retained_on_delete: bool
    created: datetime | None
    location: str = ""
    tier: str = USUAL_TIER
    unit: str = USUAL_UNIT


def live(body: Body) -> Live:
    """Return what an instance's body in the API says of its backups."""
    settings = body.get("settings", {})
    backup = settings.get("backupConfiguration", {})
    retention = backup.get("backupRetentionSettings", {})
    final = settings.get("finalBackupConfig", {})
    created = body.get("createTime")
    return Live(
        enabled=bool(backup.get("enabled", False)),
        start_time=str(backup.get("startTime", "")),
        retained=int(retention.get("retainedBackups", 0)),
        point_in_time=bool(backup.get("pointInTimeRecoveryEnabled", False)),
        log_days=int(backup.get("transactionLogRetentionDays", 0)),
        final_days=int(final.get("retentionDays") or FINAL_DAYS) if final.get("enabled") else None,
        retained_on_delete=bool(settings.get("retainBackupsOnDelete", False)),
        created=None if not created else datetime.fromisoformat(str(created)),
        location=str(backup.get("location") or ""),
        tier=_word(backup.get("backupTier"), USUAL_TIER),
        unit=_word(retention.get("retentionUnit"), USUAL_UNIT),
    )


def _word(value: object, usual: str) -> str:
    """Return an enum's word; the usual one where the API leaves it open."""
    word = str(value or "")
    return usual if not word or word.endswith(_UNSPECIFIED) else word


def configuration(declared: "Backup", live: Live) -> CheckResult:
    """Tell whether the instance takes and keeps backups as the stack declares.

    What a stack without automated backups, or without a log, says of them has no effect; where
    backups are kept and what outlives the instance counts for those on demand too.
    """
    pairs: tuple[tuple[str, str | int, str | int], ...] = (
        ("automated backups", _on(declared.enabled), _on(live.enabled)),
        ("point-in-time recovery", _on(declared.point_in_time), _on(live.point_in_time)),
        ("place of backups", declared.location or NEAREST, live.location or NEAREST),
        ("tier of backups", USUAL_TIER, live.tier),
        ("days of a final backup", declared.final_days or "none", live.final_days or "none"),
        ("backups outlive", _on(declared.retained_on_delete), _on(live.retained_on_delete)),
    )
    if declared.enabled:
        pairs += (
            ("backup window", declared.start_time, live.start_time),
            ("automated backups kept", declared.retained, live.retained),
            ("unit of backups kept", USUAL_UNIT, live.unit),
        )
    if declared.point_in_time:
        pairs += (("days of log", declared.log_retention_days, live.log_days),)
    other = tuple(
        finding("setting", name, f"{have}; the stack declares {want}")
        for name, want, have in pairs
        if want != have
    )
    total = len(pairs)
    if other:
        words = f"{len(other)} of {total} settings of backups are not as declared"
        return CheckResult(
            "configuration", State.FINDING, total, total, words, other, remedy=_APPLY
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


def location(declared: "Backup", region: str, runs: Sequence[BackupRun]) -> CheckResult:
    """Tell whether every backup is kept where the stack declares.

    Args:
        declared: what the stack declares.
        region: the instance's.
        runs: the instance's backup runs.
    """
    good = [run for run in runs if run.status == SUCCESSFUL]
    place = declared.place(region)
    total = len(good)
    if not good:
        return CheckResult("location", State.NOT_APPLICABLE, 0, 0, "there is no backup yet")
    level = Level.FINDING if place else Level.UNKNOWN
    away = tuple(
        finding("backup run", f"run {run.id}", run.location, level)
        for run in good
        if run.location and run.location != place
    )
    if not place:
        words = "no place is declared, and where Cloud SQL keeps backups of the region is not known"
        remedy = "Declare backupLocation."
        return CheckResult("location", State.UNKNOWN, 0, total, words, away, remedy=remedy)
    if away:
        words = f"{len(away)} of {total} backups are not kept in {place}"
        remedy = "Those taken before the place was changed stay where they are until they expire."
        return CheckResult("location", State.FINDING, total, total, words, away, remedy=remedy)
    silent = sum(not run.location for run in good)
    if silent:
        words = f"{silent} of {total} backups do not tell where they are kept"
        return CheckResult("location", State.UNKNOWN, total - silent, total, words)
    words = f"all {total} backups are kept in {place}"
    return CheckResult("location", State.OK, total, total, words)


def reaches_back(
    declared: "Backup", live: Live, window: RecoveryWindow | None, now: datetime
) -> CheckResult:
    """Tell whether point-in-time recovery reaches back over the days that are declared.

    Args:
        declared: what the stack declares.
        live: the instance's configuration; a younger instance reaches back to its making.
        window: None where the API does not tell.
        now: by the clock that the instance lives by.
    """
    if not declared.point_in_time:
        words = "the stack declares no point-in-time recovery"
        return CheckResult("recovery_window", State.NOT_APPLICABLE, 0, 0, words)
    if not live.point_in_time:
        words = "point-in-time recovery is off"
        return CheckResult("recovery_window", State.FINDING, 1, 1, words, remedy=_APPLY)
    if window is None or window.earliest is None:
        words = "the API does not tell how far recovery reaches back"
        return CheckResult("recovery_window", State.UNKNOWN, 0, 1, words)
    start = now - timedelta(days=declared.log_retention_days) + EDGE
    since = max(start, live.created + EDGE) if live.created else start
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


def final_backups(backups: Sequence[KeptBackup], instance: str, now: datetime) -> CheckResult:
    """Tell of the backups that outlived an earlier instance of this name: are they sound?

    They are the only thing left of it, so one that failed or ends within a week is a finding.
    """
    of_instance = [
        backup
        for backup in backups
        if backup.instance == instance and backup.instance_deleted is not None
    ]
    if not of_instance:
        words = "no deleted instance of this name left backups"
        return CheckResult("final_backups", State.NOT_APPLICABLE, 0, 0, words)
    unsound = tuple(_unsound(of_instance, now))
    words = f"{len(of_instance)} backups of a deleted {instance} are kept"
    if unsound:
        remedy = "Restore or export what is still needed: `gcloud sql backups describe NAME`."
        return CheckResult(
            "final_backups",
            State.FINDING,
            len(of_instance),
            len(of_instance),
            words,
            unsound,
            remedy=remedy,
        )
    return CheckResult("final_backups", State.OK, len(of_instance), len(of_instance), words)


def _unsound(backups: Sequence[KeptBackup], now: datetime) -> Iterator[Finding]:
    for backup in backups:
        if backup.state not in {SUCCESSFUL, *UNDER_WAY}:
            yield finding("backup", f"{backup.name} ({backup.type})", backup.state)
        elif backup.expires is not None and backup.expires - now < KEPT_WARNING:
            message = f"is deleted in {durations.words(backup.expires - now)}"
            yield finding("backup", f"{backup.name} ({backup.type})", message)
