"""An instance that violates no rule, and ways to spoil it."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from infra.policies.subject import Declaration, Facts, Origin, Subject

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GOOD_FLAGS = {
    "cloudsql.enable_pgaudit": "on",
    "cloudsql.iam_authentication": "on",
    "idle_in_transaction_session_timeout": "600000",
    "lock_timeout": "30000",
    "log_checkpoints": "on",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_error_verbosity": "default",
    "log_lock_waits": "on",
    "log_min_duration_statement": "500",
    "log_min_error_statement": "error",
    "log_min_messages": "warning",
    "log_statement": "ddl",
    "log_temp_files": "0",
    "maintenance_work_mem": "491520",
    "max_connections": "103",
    "shared_buffers": "327680",
    "work_mem": "8192",
}
GOOD: Mapping[str, Any] = {
    "name": "good",
    "region": "asia-east1",
    "databaseVersion": "POSTGRES_18",
    "diskEncryptionConfiguration": {"kmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k"},
    "state": "RUNNABLE",
    "serverCaCert": {"expirationTime": "2027-11-23T12:00:00Z"},
    "settings": {
        "tier": "db-custom-2-7680",
        "edition": "ENTERPRISE",
        "activationPolicy": "ALWAYS",
        "availabilityType": "REGIONAL",
        "dataDiskSizeGb": "100",
        "storageAutoResize": True,
        "storageAutoResizeLimit": "500",
        "deletionProtectionEnabled": True,
        "connectorEnforcement": "REQUIRED",
        "dataApiAccess": "DISALLOW_DATA_API",
        "retainBackupsOnDelete": True,
        "finalBackupConfig": {"enabled": True, "retentionDays": 30},
        "userLabels": {"app": "ai-square", "environment": "production"},
        "backupConfiguration": {
            "enabled": True,
            "pointInTimeRecoveryEnabled": True,
            "location": "asia",
            "transactionLogRetentionDays": 7,
            "backupRetentionSettings": {"retainedBackups": 7, "retentionUnit": "COUNT"},
        },
        "ipConfiguration": {
            "ipv4Enabled": False,
            "privateNetwork": "projects/p/global/networks/n",
            "sslMode": "TRUSTED_CLIENT_CERTIFICATE_REQUIRED",
        },
        "insightsConfig": {"queryInsightsEnabled": True, "queryStringLength": 1024},
        "passwordValidationPolicy": {
            "enablePasswordPolicy": True,
            "minLength": 12,
            "complexity": "COMPLEXITY_DEFAULT",
        },
        "maintenanceWindow": {"day": 6, "hour": 18, "updateTrack": "stable"},
        "denyMaintenancePeriods": [{"startDate": "12-20", "endDate": "01-10", "time": "00:00:00"}],
        "databaseFlags": [{"name": name, "value": value} for name, value in GOOD_FLAGS.items()],
    },
}
DECLARATION = Declaration(
    protect=True,
    deletion_protection=True,
    ignore_changes=("settings.diskSize",),
    plain_secrets=(),
)
# Each asks for the contrary of a rule that the good instance follows.
OTHER_SIDES = {"no-slow-statements-logged", "log-hostname", "log-duration"}


def spoiled(*changes: tuple[str, Any], drop: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the good body with values put at paths, or taken out."""
    body = deepcopy(dict(GOOD))
    for path, value in changes:
        *parents, last = path.split(".")
        node = body
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    for path in drop:
        *parents, last = path.split(".")
        node = body
        for parent in parents:
            node = node[parent]
        del node[last]
    return body


def flagged(**flags: str | None) -> dict[str, Any]:
    """Return the good body with other flags; None takes one out, ``__`` stands for a dot."""
    wanted = dict(GOOD_FLAGS) | {name.replace("__", "."): value for name, value in flags.items()}
    listed = [{"name": n, "value": v} for n, v in sorted(wanted.items()) if v is not None]
    return spoiled(("settings.databaseFlags", listed))


def declared(body: Mapping[str, Any] = GOOD, **facts: Any) -> Subject:  # noqa: ANN401 - fields of Facts
    known: dict[str, Any] = {
        "production": True,
        "pool_connections": 100,
        "declaration": DECLARATION,
        "endless_roles": {},
        "buckets": {"exports": "asia-east1"},
    } | facts
    return Subject("prod", Origin.DECLARED, body, NOW, Facts(**known))


def live(body: Mapping[str, Any] = GOOD, **facts: Any) -> Subject:  # noqa: ANN401 - fields of Facts
    known: dict[str, Any] = {
        "production": True,
        "pool_connections": 100,
        "restarts": (),
        "approval": "",
        "undeclared_users": (),
        "endless_roles": {},
        "backup_places": ("asia",),
    } | facts
    return Subject("prod", Origin.LIVE, body, NOW, Facts(**known))
