"""Automated backups, the log for point-in-time recovery, and what stays after deletion."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from infra.settings.keys import Keys, Rule, TimeOfDay, key, keys

if TYPE_CHECKING:
    from infra.settings.declared import Declared

# https://cloud.google.com/sql/docs/postgres/backup-recovery/pitr
LOG_DAYS = {"ENTERPRISE": 7, "ENTERPRISE_PLUS": 35}


class BackupKeys(Keys):
    """Keys of the backups."""

    backup_enabled: bool = Field(default=True, description="Whether backups are taken every day.")
    backup_start_time: TimeOfDay = Field(
        "19:00", description="Beginning of the backup window, HH:MM in UTC."
    )
    backup_retained: int = Field(7, ge=1, le=365, description="Automated backups that are kept.")
    backup_location: str = Field(
        "", description="Where backups are kept; empty for the multi-region nearest to the region."
    )
    point_in_time_recovery: bool = Field(
        default=True, description="Whether the write-ahead log is kept, to restore to any moment."
    )
    log_retention_days: int = Field(
        7, ge=1, le=35, description="Days for which the write-ahead log is kept; 7 on ENTERPRISE."
    )
    final_backup_days: int = Field(
        30,
        ge=0,
        le=365,
        description="Days for which a last backup outlives a deleted instance; 0 for none.",
    )
    retain_backups_on_delete: bool = Field(
        default=True, description="Whether the backups there are outlive a deleted instance."
    )


# https://cloud.google.com/sql/docs/postgres/backup-recovery/backups#backup-location
_MULTI_REGIONS = {
    "asia": "asia",
    "australia": "asia",
    "europe": "eu",
    "northamerica": "us",
    "southamerica": "us",
    "us": "us",
}


def usual_location(region: str) -> str:
    """Return the multi-region that keeps a region's backups; empty where that is not known."""
    return _MULTI_REGIONS.get(region.partition("-")[0], "")


@dataclass(frozen=True, slots=True)
class Backup:
    """Automated backups, the log for point-in-time recovery, and what stays after deletion.

    Attributes:
        enabled: Whether they are taken.
        start_time: Beginning of the daily window, ``HH:MM`` in UTC.
        retained: How many are kept.
        location: Where they are kept; None for the region's own multi-region.
        point_in_time: Whether the write-ahead log is kept too.
        log_retention_days: For how long it is.
        final_days: For how long a last backup outlives the instance; None for no last backup.
        retained_on_delete: Whether the others outlive the instance.
    """

    enabled: bool
    start_time: str
    retained: int
    location: str | None
    point_in_time: bool
    log_retention_days: int
    final_days: int | None
    retained_on_delete: bool

    def place(self, region: str) -> str:
        """Return where backups of a region are kept; empty where that is not known."""
        return self.location or usual_location(region)


def backup(d: "Declared") -> Backup:
    """Return the backups' settings."""
    return Backup(
        enabled=d.backup_enabled,
        start_time=d.backup_start_time,
        retained=d.backup_retained,
        location=d.backup_location or None,
        point_in_time=d.point_in_time_recovery,
        log_retention_days=d.log_retention_days,
        final_days=d.final_backup_days or None,
        retained_on_delete=d.retain_backups_on_delete,
    )


def _backups(d: "Declared") -> Iterator[str]:
    if d.point_in_time_recovery and not d.backup_enabled:
        yield f"{key('point_in_time_recovery')} needs backupEnabled: recovery starts from a backup."
    if d.availability == "REGIONAL" and not d.backup_enabled:
        yield (
            f"{key('availability')}: REGIONAL needs backupEnabled; Cloud SQL refuses high"
            " availability without automated backups."
        )
    if d.point_in_time_recovery and d.log_retention_days > d.backup_retained:
        yield (
            f"{key('log_retention_days')}: {d.log_retention_days} days of log need as many"
            f" daily backups to start from, and backupRetained is {d.backup_retained}."
        )


def _edition(d: "Declared") -> Iterator[str]:
    limit = LOG_DAYS[d.edition]
    if d.log_retention_days > limit:
        yield (
            f"{key('log_retention_days')}: {d.log_retention_days} days are past the edition's"
            f" limit: {d.edition} keeps the log for 1 to {limit} days."
        )


RULES: tuple[Rule, ...] = (
    (
        keys(
            "availability",
            "backup_enabled",
            "backup_retained",
            "point_in_time_recovery",
            "log_retention_days",
        ),
        _backups,
    ),
    (keys("edition", "log_retention_days"), _edition),
)
