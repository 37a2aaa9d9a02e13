"""Settings that rule an instance's life: disk, backups, maintenance, labels, its end."""

import re
from datetime import date, timedelta
from typing import Any

from infra.local import disk, schedule
from infra.local.api import kept
from infra.local.api.call import Call
from infra.local.api.defaults import PLUS
from infra.local.api.errors import invalid, unimplemented
from infra.local.model import Body, Instance

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_DAYTIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d")
_LABEL_KEY = re.compile(r"[^\W\dA-Z_][-\w]{0,62}")
_LABEL_VALUE = re.compile(r"[-\w]{0,63}")
_LABELS = 64
_LOG_DAYS = {PLUS: 35}
_LOG_DAYS_ELSE = 7
_RETAINED = 365
_DENIED_DAYS = 90
_FINAL_DAYS = 30
_LEAP_YEAR, _LEAP_YEAR_DAYS = 2024, 366
_PASSWORD_LIMIT = 100


def check(settings: Body) -> None:
    """Check the settings that rule an instance's life.

    Raises:
        ApiError: 400 naming what can't be, 501 for what is not kept here.
    """
    for check_one in (_disk, _backups, _final, _maintenance, _denied, _labels, _passwords):
        check_one(settings)


def check_change(before: Body, after: Body) -> None:
    """Check what depends on the settings before.

    Raises:
        ApiError: 400 for a disk that would shrink.
    """
    old, new = disk.size_gb(before), disk.size_gb(after)
    if new < old:
        raise invalid(f"The disk size can't be decreased: it is {old} GB, {new} GB were asked for.")


def kept_size(before: Body, change: Body) -> dict[str, Any]:
    """Return an update's settings with the disk that is there, where they name none."""
    return {"dataDiskSizeGb": str(disk.size_gb(before)), **change}


def ending(call: Call, instance: Instance) -> dict[str, Any]:
    """Return the facts of a deletion: which backups are to outlive the instance.

    Raises:
        ApiError: 400 for an expiry that can't be.
    """
    if instance.primary is not None:
        return {}  # a replica has no backups
    config = instance.settings.get("finalBackupConfig") or {}
    facts: dict[str, Any] = {"retain": bool(instance.settings.get("retainBackupsOnDelete"))}
    parameter = call.query.get("enableFinalBackup")
    if not (config.get("enabled") if parameter is None else parameter == "true"):
        return facts
    expiry_fields = {
        "ttlDays": call.query.get("finalBackupTtlDays"),
        "expiryTime": call.query.get("finalBackupExpiryTime"),
    }
    now = call.service.clock.now()
    days = int(config.get("retentionDays") or _FINAL_DAYS)
    expires = kept.expiry(call, expiry_fields, now) or now + timedelta(days=days)
    text = call.query.get("finalBackupDescription") or ""
    return {**facts, "final": {"description": text, "expires": expires.isoformat()}}


def _disk(settings: Body) -> None:
    size = disk.size_gb(settings)
    if not disk.MIN_GB <= size <= disk.MAX_GB:
        raise invalid(f"dataDiskSizeGb {size} is not between {disk.MIN_GB} and {disk.MAX_GB}.")
    limit = int(settings.get("storageAutoResizeLimit") or 0)
    if not 0 <= limit <= disk.MAX_GB or 0 < limit < size:
        raise invalid(
            f"storageAutoResizeLimit {limit} is neither 0 (no limit) nor between dataDiskSizeGb "
            f"({size}) and {disk.MAX_GB}."
        )


def _backups(settings: Body) -> None:
    backups = schedule.backups(settings)
    start = str(backups.get("startTime") or "00:00")
    if not _CLOCK.fullmatch(start):
        raise invalid(f"backupConfiguration.startTime {start!r:.40} is not HH:MM, in UTC.")
    retention = backups.get("backupRetentionSettings") or {}
    retained = int(retention.get("retainedBackups") or 0)
    if "retainedBackups" in retention and not 1 <= retained <= _RETAINED:
        raise invalid(f"The number of retained backups must be between 1 and {_RETAINED}.")
    if not backups.get("pointInTimeRecoveryEnabled"):
        return
    days = schedule.log_days(settings)
    most = _LOG_DAYS.get(str(settings.get("edition")), _LOG_DAYS_ELSE)
    if not 1 <= days <= most:
        raise invalid(f"The number of transaction log retention days must be between 1 and {most}.")
    if retained and retained < days:
        raise invalid("backup retention should be > transaction log retention.")


def _final(settings: Body) -> None:
    config = settings.get("finalBackupConfig") or {}
    days = config.get("retentionDays")
    if days is not None and not 1 <= int(days) <= kept.LIMIT_DAYS:
        raise invalid(
            f"finalBackupConfig.retentionDays {days} is not between 1 and {kept.LIMIT_DAYS}."
        )


def _maintenance(settings: Body) -> None:
    window = settings.get("maintenanceWindow") or {}
    day, hour = int(window.get("day") or 0), int(window.get("hour") or 0)
    if not 0 <= day <= 7:  # noqa: PLR2004 - 1 is Monday, 7 is Sunday, 0 any
        raise invalid(f"maintenanceWindow.day {day} is not between 1 (Monday) and 7 (Sunday).")
    if not 0 <= hour <= 23:  # noqa: PLR2004 - of the day, UTC
        raise invalid(f"maintenanceWindow.hour {hour} is not between 0 and 23.")


def _denied(settings: Body) -> None:
    periods = settings.get("denyMaintenancePeriods") or ()
    if len(periods) > 1:
        raise invalid("only one deny maintenance period can be set.")
    for period in periods:
        if not _DAYTIME.fullmatch(str(period.get("time") or "00:00:00")):
            raise invalid(f"denyMaintenancePeriods.time {period['time']!r:.40} is not HH:MM:SS.")
        days = _days(str(period.get("startDate")), str(period.get("endDate")))
        if not 1 <= days <= _DENIED_DAYS:
            raise invalid(
                f"a deny maintenance period lasts between 1 and {_DENIED_DAYS} days: "
                f"{period.get('startDate')} to {period.get('endDate')} does not."
            )


def _days(start: str, end: str) -> int:
    """Return how long a period is; dates without a year come every year."""
    try:
        if re.fullmatch(r"\d\d-\d\d", start) and re.fullmatch(r"\d\d-\d\d", end):
            begins, ends = (date.fromisoformat(f"{_LEAP_YEAR}-{day}") for day in (start, end))
            return (ends - begins).days % _LEAP_YEAR_DAYS
        return (date.fromisoformat(end) - date.fromisoformat(start)).days
    except ValueError:
        raise invalid(
            "a deny maintenance period needs two dates as yyyy-mm-dd or two as mm-dd: "
            f"{start:.20} to {end:.20} are not such."
        ) from None


def _labels(settings: Body) -> None:
    labels = settings.get("userLabels") or {}
    if len(labels) > _LABELS:
        raise invalid(f"an instance has at most {_LABELS} labels.")
    for key, value in labels.items():
        plain = str(value) == str(value).lower() and key == key.lower()
        if not (plain and _LABEL_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(str(value))):
            raise invalid(
                f"label {key:.70}={value!s:.70} can't be: lower-case letters, digits, _ and -, at "
                "most 63, the key beginning with a letter."
            )


def _passwords(settings: Body) -> None:
    policy = settings.get("passwordValidationPolicy") or {}
    if not policy.get("enablePasswordPolicy"):
        return
    for name in ("reuseInterval", "passwordChangeInterval"):
        # Both need passwords, or when they were set, to be remembered.
        if policy.get(name) not in (None, 0, "0s"):
            raise unimplemented(f"instances.insert with passwordValidationPolicy.{name}")
    if not 0 <= int(policy.get("minLength") or 0) <= _PASSWORD_LIMIT:
        raise invalid(f"passwordValidationPolicy.minLength {policy['minLength']} can't be.")
