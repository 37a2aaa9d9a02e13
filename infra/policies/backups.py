"""What can be restored: backups, the log, where they lie, what outlives a deletion."""

from infra.instance_keys import FINAL_DAYS
from infra.policies.limits import BACKUPS_LEAST, LOG_DAYS_LEAST
from infra.policies.rule import Answer, Ids, Rule, Severity, aside, broken, either, unknown
from infra.policies.subject import Origin, Subject

_BACKUPS = "settings.backupConfiguration"
# Kept when the configuration does not say, https://cloud.google.com/sql/docs/postgres/editions-intro
_DEFAULT_BACKUPS = {"ENTERPRISE_PLUS": 15}
_DEFAULT_LOG_DAYS = {"ENTERPRISE_PLUS": 14}
_DEFAULT = 7


def _automated(s: Subject) -> Answer:
    on = s.on(f"{_BACKUPS}.enabled")
    return either(on, "automated backups are on" if on else "automated backups are off")


def _point_in_time(s: Subject) -> Answer:
    on = s.on(f"{_BACKUPS}.pointInTimeRecoveryEnabled")
    return either(on, "the log is kept" if on else "the log is not kept")


def _retention(s: Subject) -> Answer:
    edition = s.text("settings.edition")
    if not s.on(f"{_BACKUPS}.enabled"):
        return aside("there are no backups to keep: see automated-backups")
    backups = s.number(f"{_BACKUPS}.backupRetentionSettings.retainedBackups")
    if backups is None and s.origin is Origin.LIVE:
        return unknown("the API told of no retainedBackups")
    if backups is None:
        backups = _DEFAULT_BACKUPS.get(edition, _DEFAULT)
    words = f"{backups} backups"
    if not s.on(f"{_BACKUPS}.pointInTimeRecoveryEnabled"):
        if backups < BACKUPS_LEAST:
            return broken(f"{words}, no log")
        return aside(f"{words}, and no log to keep: see point-in-time-recovery")
    days = s.number(f"{_BACKUPS}.transactionLogRetentionDays")
    if days is None and s.origin is Origin.LIVE:
        return unknown("the API told of no transactionLogRetentionDays")
    if days is None:
        days = _DEFAULT_LOG_DAYS.get(edition, _DEFAULT)
    enough = backups >= BACKUPS_LEAST and days >= LOG_DAYS_LEAST
    return either(enough, f"{words}, {days} days of log")


def _location(s: Subject) -> Answer:
    place = s.text(f"{_BACKUPS}.location")
    return either(bool(place), place or "left to Cloud SQL")


def _outlive(s: Subject) -> Answer:
    days = s.number("settings.finalBackupConfig.retentionDays") or FINAL_DAYS
    missing = [
        words
        for path, words in (
            ("settings.finalBackupConfig.enabled", "no final backup"),
            ("settings.retainBackupsOnDelete", "backups go with the instance"),
        )
        if not s.on(path)
    ]
    words = f"the last for {days} days, the others until they expire"
    return either(not missing, "; ".join(missing) or words)


RULES = (
    Rule(
        id="automated-backups",
        row=5,
        title="Backups are taken every day",
        severity=Severity.CRITICAL,
        ask=_automated,
        remedy="Set backupEnabled: true.",
        of_replicas=False,
        ids=Ids(
            cis=("6.8",),
            checkov=("CKV_GCP_14",),
            trivy=("GCP-0024",),
            kics=("cf3c7631-cd1e-42f3-8801-a561214a6e79",),
            prowler=("automated_backups",),
            cloudsploit=("dbAutomatedBackups",),
            google=("custom.cloudsqlRequireAutomatedBackup", "gcp_sql_backup_v1"),
        ),
    ),
    Rule(
        id="point-in-time-recovery",
        row=6,
        title="The write-ahead log is kept, to restore to any moment",
        severity=Severity.HIGH,
        ask=_point_in_time,
        remedy="Set pointInTimeRecovery: true (this restarts the instance).",
        of_replicas=False,
        ids=Ids(
            cloudsploit=("dbRestorable",),
            google=("custom.cloudsqlRequirePointInTimeRecovery",),
        ),
    ),
    Rule(
        id="retention",
        row=40,
        title=f"{BACKUPS_LEAST} backups and {LOG_DAYS_LEAST} days of log are kept",
        severity=Severity.HIGH,
        ask=_retention,
        remedy=(
            f"Set backupRetained: {BACKUPS_LEAST} and logRetentionDays: {LOG_DAYS_LEAST}"
            " (at most 7 on ENTERPRISE, 35 on ENTERPRISE_PLUS)."
        ),
        of_replicas=False,
    ),
    Rule(
        id="backup-location",
        row=41,
        title="The stack says where backups are kept, and does not leave it to Cloud SQL",
        severity=Severity.MEDIUM,
        ask=_location,
        remedy="Set backupLocation: asia, or another place.",
        of_replicas=False,
    ),
    Rule(
        id="backups-outlive-instance",
        row=42,
        title="A last backup, and those there are, outlive a deleted instance",
        severity=Severity.MEDIUM,
        ask=_outlive,
        remedy="Set finalBackupDays: 30 and retainBackupsOnDelete: true.",
        of_replicas=False,
    ),
)
