"""The API's body of a new instance that is to be as its source is, and what it still lacks."""

from typing import Any

from ops.cloudsql import Body, Instance
from ops.restore.recovery.order import RUN_LABEL

# Of the instance itself; its name, addresses and certificates are its own.
_OF_INSTANCE = ("region", "databaseVersion", "diskEncryptionConfiguration", "geminiConfig")
_SERVERS_OWN = ("settingsVersion", "kind")
# What a clone may come without, as its call has no words for it.
_HELD_TO = ("availabilityType", "deletionProtectionEnabled", "backupConfiguration", "userLabels")
_ZONES = "locationPreference"


def new_instance(source: Instance, name: str, run: str, *, zonal: bool) -> Body:
    """Return the body of an instance with the source's machine, flags, network and backups.

    Args:
        source: what it is to be like.
        name: its own name.
        run: the restore's name, for its label.
        zonal: whether it does without the source's standby.
    """
    settings = _settings(source, run, zonal=zonal)
    own = {key: source.body[key] for key in _OF_INSTANCE if key in source.body}
    return {**own, "name": name, "settings": settings}


def lacking(source: Instance, copy: Instance, run: str, *, zonal: bool) -> Body:
    """Return what to patch so that a clone is held to what its source is; empty for nothing."""
    desired = _settings(source, run, zonal=zonal)
    has = copy.body.get("settings", {})
    change = {
        key: desired[key]
        for key in _HELD_TO
        if key in desired and not _holds(desired[key], has.get(key))
    }
    if "availabilityType" in change and _ZONES in desired:
        change[_ZONES] = desired[_ZONES]
    return {"settings": change} if change else {}


def _settings(source: Instance, run: str, *, zonal: bool) -> dict[str, Any]:
    settings = dict(source.body.get("settings", {}))
    for key in _SERVERS_OWN:
        settings.pop(key, None)
    settings["activationPolicy"] = "ALWAYS"
    settings["userLabels"] = {**settings.get("userLabels", {}), RUN_LABEL: run}
    settings.setdefault("deletionProtectionEnabled", False)
    if zonal:
        settings["availabilityType"] = "ZONAL"
        places = dict(settings.get(_ZONES, {}))
        places.pop("secondaryZone", None)
        settings[_ZONES] = places
    return settings


def _holds(desired: object, has: object) -> bool:
    """Tell whether a value is there; an object may have more than is wanted of it."""
    if isinstance(desired, dict):
        return all(
            _holds(value, has.get(key)) if isinstance(has, dict) else False
            for key, value in desired.items()
        )
    return desired == has or (not desired and has is None)
