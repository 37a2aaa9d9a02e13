"""Instances that live for minutes: what copies of an instance are called, and made of.

Drills name their copies so, and the cloud's access rules let a drill's account delete nothing
that is called otherwise. A copy is the source's machine, without its guards.
"""

import hashlib
from collections.abc import Mapping

from ops.cloudsql import Body, Instance

# Together with the project and a colon: https://cloud.google.com/sql/docs/postgres/instance-settings
NAME_LIMIT = 98
_INHERITED = (
    "tier",
    "edition",
    "databaseFlags",
    "dataDiskSizeGb",
    "dataDiskType",
    "ipConfiguration",
    "locationPreference",
)


def name_stem(instance: str, project: str) -> str:
    """Return what the names of all of an instance's drill copies begin with.

    A long name is cut, and told from others with the same beginning by its hash.
    """
    room = NAME_LIMIT - len(project) - 1 - len("-drill-000000000000-0000-b99")
    if len(instance) > room:
        mark = hashlib.sha256(instance.encode()).hexdigest()[:6]
        instance = f"{instance[: room - 7]}-{mark}"
    return f"{instance}-drill-"


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
