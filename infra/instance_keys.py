"""From a live instance back to the keys of a stack file: the way back of ``infra.instance``.

A test declares every key with another value than its default and reads it back from
the body that would be sent, so that a key without a way back is noticed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.body import api_path
from infra.settings.flags import IAM_FLAG
from infra.settings.keys import key
from infra.settings.operations import WEEKDAYS

Inputs = Mapping[str, Any]
CONNECTORS_ONLY = "REQUIRED"
STRICT_SSL, LAX_SSL = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED", "ALLOW_UNENCRYPTED_AND_ENCRYPTED"
# https://cloud.google.com/sql/docs/postgres/backup-recovery/backups#final-backup
FINAL_DAYS = 30

_BACKUP = "settings.backupConfiguration"
_DENY = "settings.denyMaintenancePeriod"
_INSIGHTS = "settings.insightsConfig"
_ADDRESSES = "settings.ipConfiguration"
_POLICY = "settings.passwordValidationPolicy"
_PSC = "settings.ipConfiguration.pscConfig"
_WINDOW = "settings.maintenanceWindow"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key's value is found.

    Attributes:
        field: The key's name in the model of the stack file.
        path: The input that it becomes.
        read: What the input says, None where the API told none, into the key's value;
            None leaves the project's default.
    """

    field: str
    path: str
    read: Callable[[Any], object]


def _or(absent: object) -> Callable[[Any], object]:
    return lambda value: absent if value is None else value


def _as_told(value: Any) -> object:  # noqa: ANN401 - JSON
    return value


def _day(value: Any) -> object:  # noqa: ANN401 - JSON
    return WEEKDAYS[int(value) - 1] if value else ""


def _part(name: str) -> Callable[[Any], object]:
    return lambda period: "" if period is None else str(period.get(name, ""))


def _deny_time(period: Any) -> object:  # noqa: ANN401 - JSON
    return None if period is None else str(period.get("time") or "00:00:00")[: len("HH:MM")]


def _pooling(config: Any) -> object:  # noqa: ANN401 - JSON
    return bool((config or {}).get("connectionPoolingEnabled"))


def _consumers(config: Any) -> object:  # noqa: ANN401 - JSON
    return sorted((config or {}).get("allowedConsumerProjects", ()))


PLACES: tuple[Place, ...] = (
    Place("database_version", "databaseVersion", _as_told),
    Place("edition", "settings.edition", _or("ENTERPRISE")),
    Place("tier", "settings.tier", _as_told),
    Place("availability", "settings.availabilityType", _or("ZONAL")),
    Place("zone", "settings.locationPreference.zone", _or("")),
    Place("secondary_zone", "settings.locationPreference.secondaryZone", _or("")),
    Place("data_cache", "settings.dataCacheConfig.dataCacheEnabled", bool),
    Place("connection_pooling", "settings.connectionPoolConfigs", _pooling),
    Place("kms_key", "encryptionKeyName", _or("")),
    Place("deletion_protection", "settings.deletionProtectionEnabled", bool),
    Place("labels", "settings.userLabels", lambda value: dict(value or {})),
    Place("disk_size_gb", "settings.diskSize", _as_told),
    Place("disk_type", "settings.diskType", _as_told),
    Place("disk_autoresize", "settings.diskAutoresize", bool),
    Place("disk_autoresize_limit_gb", "settings.diskAutoresizeLimit", _or(0)),
    Place("backup_enabled", f"{_BACKUP}.enabled", bool),
    Place("backup_start_time", f"{_BACKUP}.startTime", _as_told),
    Place("backup_retained", f"{_BACKUP}.backupRetentionSettings.retainedBackups", _as_told),
    Place("backup_location", f"{_BACKUP}.location", _or("")),
    Place("point_in_time_recovery", f"{_BACKUP}.pointInTimeRecoveryEnabled", bool),
    Place("log_retention_days", f"{_BACKUP}.transactionLogRetentionDays", _as_told),
    Place("final_backup_days", "settings.finalBackupConfig.retentionDays", _or(FINAL_DAYS)),
    Place("retain_backups_on_delete", "settings.retainBackupsOnDelete", bool),
    Place("maintenance_day", f"{_WINDOW}.day", _day),
    Place("maintenance_hour", f"{_WINDOW}.hour", _or(0)),
    Place("maintenance_track", f"{_WINDOW}.updateTrack", _or("stable")),
    Place("deny_maintenance_start", _DENY, _part("startDate")),
    Place("deny_maintenance_end", _DENY, _part("endDate")),
    Place("deny_maintenance_time", _DENY, _deny_time),
    Place("query_insights", f"{_INSIGHTS}.queryInsightsEnabled", bool),
    Place("query_insights_text_bytes", f"{_INSIGHTS}.queryStringLength", _as_told),
    Place("query_insights_plans_per_minute", f"{_INSIGHTS}.queryPlansPerMinute", _as_told),
    Place("query_insights_client_address", f"{_INSIGHTS}.recordClientAddress", bool),
    Place("query_insights_tags", f"{_INSIGHTS}.recordApplicationTags", bool),
    Place("ssl_mode", f"{_ADDRESSES}.sslMode", _or(LAX_SSL)),
    Place("server_ca_mode", f"{_ADDRESSES}.serverCaMode", _as_told),
    Place("server_ca_pool", f"{_ADDRESSES}.serverCaPool", _or("")),
    Place(
        "connector_enforcement",
        "settings.connectorEnforcement",
        lambda value: value == CONNECTORS_ONLY,
    ),
    Place("password_min_length", f"{_POLICY}.minLength", _or(1)),
    Place(
        "password_complexity", f"{_POLICY}.complexity", lambda value: value == "COMPLEXITY_DEFAULT"
    ),
    Place("password_without_user_name", f"{_POLICY}.disallowUsernameSubstring", bool),
    Place("psc_consumer_projects", f"{_ADDRESSES}.pscConfigs", _consumers),
)
# What says nothing while something else is off: field -> those that go with it.
DEPENDING: Mapping[str, tuple[str, ...]] = {
    "maintenance_day": ("maintenance_hour", "maintenance_track"),
    "deny_maintenance_start": ("deny_maintenance_end", "deny_maintenance_time"),
    "point_in_time_recovery": ("log_retention_days",),
    "query_insights": (
        "query_insights_text_bytes",
        "query_insights_plans_per_minute",
        "query_insights_client_address",
        "query_insights_tags",
    ),
    "password_min_length": ("password_complexity", "password_without_user_name"),
}


def fields(inputs: Inputs) -> dict[str, object]:
    """Return a live instance's values by their names in the model of the stack file.

    What the API leaves to the project's default is not among them; nor are flags, users,
    network and replicas, which have modules of their own.
    """
    read = {place.field: place.read(inputs.get(place.path)) for place in PLACES}
    if not inputs.get("settings.finalBackupConfig.enabled"):
        read["final_backup_days"] = 0
    if not inputs.get(f"{_POLICY}.enablePasswordPolicy"):
        read["password_min_length"] = 0
    if not read["secondary_zone"]:
        read["zone"] = None  # Cloud SQL tells one always; who chose two, chose them
    for field, depending in DEPENDING.items():
        if not read[field]:
            read |= dict.fromkeys(depending)
    return {field: value for field, value in read.items() if value is not None}


def key_of(path: str) -> str:
    """Return the stack file's key that decides an API path; empty where none does."""
    for prefix, name in (
        (f"settings.databaseFlags.{IAM_FLAG}", "iam_authentication"),
        ("settings.databaseFlags.", "flags"),
        ("settings.userLabels.", "labels"),
        ("region", "gcp:region"),
        ("settings.ipConfiguration.privateNetwork", "network_name"),
        (f"{_PSC}.allowedConsumerProjects", "psc_consumer_projects"),
        (_PSC, "network_mode"),
        (api_path(_DENY), "deny_maintenance_start"),
        ("settings.finalBackupConfig.enabled", "final_backup_days"),
        (f"{_POLICY}.enablePasswordPolicy", "password_min_length"),
    ):
        if path.startswith(prefix):
            return name if ":" in name else key(name)
    return next((key(p.field) for p in PLACES if api_path(p.path) == path), "")
