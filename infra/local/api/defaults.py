"""What Cloud SQL fills in when an instance's settings don't say."""

from typing import Any

from infra.local.api.body import merged
from infra.local.model import Body


def settings(given: Body, *, region: str, version: int) -> dict[str, Any]:
    """Return settings with every default that Cloud SQL fills in.

    Args:
        given: What the request says.
        region: The instance's region.
        version: The new settings version.
    """
    complete = merged(_defaults(region), given)
    complete["settingsVersion"] = str(version)
    backups = complete["backupConfiguration"]
    backups["replicationLogArchivingEnabled"] = bool(backups.get("pointInTimeRecoveryEnabled"))
    return complete


def _defaults(region: str) -> dict[str, Any]:
    return {
        "kind": "sql#settings",
        "edition": "ENTERPRISE",
        "activationPolicy": "ALWAYS",
        "availabilityType": "ZONAL",
        "pricingPlan": "PER_USE",
        "replicationType": "SYNCHRONOUS",
        "storageAutoResize": True,
        "storageAutoResizeLimit": "0",
        "dataDiskSizeGb": "10",
        "dataDiskType": "PD_SSD",
        "connectorEnforcement": "NOT_REQUIRED",
        "deletionProtectionEnabled": False,
        "retainBackupsOnDelete": False,
        "backupConfiguration": {
            "kind": "sql#backupConfiguration",
            "enabled": False,
            "startTime": "03:00",
            "pointInTimeRecoveryEnabled": False,
            "transactionLogRetentionDays": 7,
            "backupRetentionSettings": {"retentionUnit": "COUNT", "retainedBackups": 7},
            "transactionalLogStorageState": "CLOUD_STORAGE",
            "backupTier": "STANDARD",
        },
        "ipConfiguration": {
            "ipv4Enabled": True,
            "sslMode": "ALLOW_UNENCRYPTED_AND_ENCRYPTED",
            "serverCaMode": "GOOGLE_MANAGED_INTERNAL_CA",
        },
        "locationPreference": {"kind": "sql#locationPreference", "zone": f"{region}-b"},
    }
