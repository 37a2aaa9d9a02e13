"""What Cloud SQL fills in when an instance's settings don't say."""

from typing import Any

from infra.local.api.body import merged
from infra.local.model import Body

PLUS = "ENTERPRISE_PLUS"
# The first major version whose instances are Enterprise Plus unless they say otherwise.
_PLUS_SINCE = 16
_CLIENT_CERTIFICATES = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"


def edition(body: Body, major: int) -> str:
    """Return the edition of an instance of a major version whose settings may name none."""
    return str(body.get("edition") or (PLUS if major >= _PLUS_SINCE else "ENTERPRISE"))


def settings(
    changes: Body, *, region: str, version: int, edition: str = "ENTERPRISE"
) -> dict[str, Any]:
    """Return settings with every default that Cloud SQL fills in.

    Args:
        changes: What the request says; an update's lie on the ones before.
        region: The instance's region.
        version: The new settings version; 1 for a new instance.
        edition: The edition if the settings name none.
    """
    complete = merged(_defaults(region, str(changes.get("edition") or edition)), changes)
    complete["settingsVersion"] = str(version)
    backups, network = complete["backupConfiguration"], complete["ipConfiguration"]
    if version == 1 and complete["edition"] == PLUS and backups.get("enabled"):
        backups.setdefault("pointInTimeRecoveryEnabled", True)
    if backups.get("pointInTimeRecoveryEnabled"):
        backups["replicationLogArchivingEnabled"] = True
        backups["transactionalLogStorageState"] = "CLOUD_STORAGE"
    else:
        backups.pop("replicationLogArchivingEnabled", None)
        backups["transactionalLogStorageState"] = "TRANSACTIONAL_LOG_STORAGE_STATE_UNSPECIFIED"
    if network.get("requireSsl") and "sslMode" not in network:
        network["sslMode"] = _CLIENT_CERTIFICATES
    network.setdefault("sslMode", "ALLOW_UNENCRYPTED_AND_ENCRYPTED")
    network["requireSsl"] = network["sslMode"] == _CLIENT_CERTIFICATES
    return {name: value for name, value in complete.items() if value not in ([], {})}


def change_of_ssl(before: Body, change: Body) -> Body:
    """Return the settings before a change, without an sslMode that its requireSsl outdates."""
    change_of_ip = change.get("ipConfiguration") or {}
    if change_of_ip.get("requireSsl") is None or "sslMode" in change_of_ip:
        return before
    network = {
        name: value
        for name, value in (before.get("ipConfiguration") or {}).items()
        if name != "sslMode"
    }
    return {**before, "ipConfiguration": network}


def _defaults(region: str, edition: str) -> dict[str, Any]:
    plus = edition == PLUS
    return {
        "kind": "sql#settings",
        "edition": edition,
        "activationPolicy": "ALWAYS",
        "availabilityType": "ZONAL",
        "pricingPlan": "PER_USE",
        "replicationType": "SYNCHRONOUS",
        "replicationLagMaxSeconds": 31536000,  # a year
        "storageAutoResize": True,
        "storageAutoResizeLimit": "0",
        "dataDiskSizeGb": "10",
        "dataDiskType": "PD_SSD",
        "connectorEnforcement": "NOT_REQUIRED",
        "deletionProtectionEnabled": False,
        "backupConfiguration": {
            "kind": "sql#backupConfiguration",
            "enabled": False,
            "startTime": "03:00",
            "transactionLogRetentionDays": 14 if plus else 7,
            "backupRetentionSettings": {
                "retentionUnit": "COUNT",
                "retainedBackups": 15 if plus else 7,
            },
            "backupTier": "STANDARD",
        },
        "ipConfiguration": {
            "ipv4Enabled": True,
            "serverCaMode": "GOOGLE_MANAGED_INTERNAL_CA",
            "serverCertificateRotationMode": "SERVER_CERTIFICATE_ROTATION_MODE_UNSPECIFIED",
        },
        "locationPreference": {"kind": "sql#locationPreference", "zone": f"{region}-b"},
    }
