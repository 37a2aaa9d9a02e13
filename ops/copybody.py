"""What an instance that lives for minutes is made of: the source's machine, without its guards."""

from collections.abc import Mapping

from ops.cloudsql import Body, Instance

_INHERITED = (
    "tier",
    "edition",
    "databaseFlags",
    "dataDiskSizeGb",
    "dataDiskType",
    "ipConfiguration",
    "locationPreference",
)


def copy_body(source: Instance, name: str, labels: Mapping[str, str]) -> Body:
    """Return the API's body of an instance that a backup of ``source`` can be restored to.

    It has the source's machine, disk, flags and network, but is zonal, unprotected and has no
    backups of its own: it lives for minutes.
    """
    settings = source.body.get("settings", {})
    own = {key: settings[key] for key in _INHERITED if key in settings}
    own |= {
        "availabilityType": "ZONAL",
        "activationPolicy": "ALWAYS",
        "backupConfiguration": {"enabled": False},
        "deletionProtectionEnabled": False,
        "userLabels": dict(labels),
    }
    body = {key: source.body[key] for key in ("region", "databaseVersion") if key in source.body}
    return {**body, "name": name, "settings": own}
