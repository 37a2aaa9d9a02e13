"""The keys of a stack file: type, default and description of each.

One source: ``Pulumi.yaml``'s config section is ``config_section()`` of this model. Each
area's keys, what they may say together and what comes out stand in the area's module.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from infra.settings.access import AccessKeys
from infra.settings.alerts import AlertKeys
from infra.settings.backup import BackupKeys
from infra.settings.disk import DiskKeys
from infra.settings.flags import FlagKeys
from infra.settings.insights import InsightsKeys
from infra.settings.instance import InstanceKeys
from infra.settings.keys import NAMESPACE
from infra.settings.maintenance import MaintenanceKeys
from infra.settings.network import NetworkKeys
from infra.settings.notify import NotifyKeys
from infra.settings.operations import OperationsKeys
from infra.settings.protection import ProtectionKeys
from infra.settings.replicas import ReplicaKeys
from infra.settings.runner import RunnerKeys
from infra.settings.stack import StackKeys
from infra.settings.storage import StorageKeys


class Declared(  # the last stands first among the fields
    RunnerKeys,
    NotifyKeys,
    AlertKeys,
    StorageKeys,
    OperationsKeys,
    AccessKeys,
    NetworkKeys,
    ReplicaKeys,
    FlagKeys,
    ProtectionKeys,
    InsightsKeys,
    MaintenanceKeys,
    BackupKeys,
    DiskKeys,
    InstanceKeys,
    StackKeys,
):
    """Every key that a stack's configuration may have, by its whole name."""


def descriptions() -> dict[str, str]:
    """Return the description of every key, by its whole name."""
    return {str(f.alias): str(f.description) for f in Declared.model_fields.values()}


def _own() -> Iterator[tuple[str, Any]]:
    for field in Declared.model_fields.values():
        if str(field.alias).startswith(f"{NAMESPACE}:"):
            yield str(field.alias), field


def config_section() -> dict[str, dict[str, object]]:
    """Return the config section of ``Pulumi.yaml``: what that file can declare.

    Scalars and arrays of our own namespace; maps (flags, labels) and the keys of the gcp
    provider have no place there.
    """
    section: dict[str, dict[str, object]] = {}
    for key, field in _own():
        kind = _pulumi_type(field.annotation)
        if kind is None:
            continue
        entry: dict[str, object] = {"type": kind}
        if kind == "array":
            entry["items"] = {"type": "string"}
        entry |= {"default": field.default, "description": field.description}
        section[key] = entry
    return section


def _pulumi_type(annotation: object) -> str | None:
    if get_origin(annotation) is dict:
        return None
    if get_origin(annotation) is list:
        return "array"
    if annotation is bool:
        return "boolean"
    return "integer" if annotation is int else "string"


def engine_values(config: Mapping[str, object]) -> dict[str, object]:
    """Return what the Pulumi engine hands over, with maps and arrays parsed.

    The engine gives every value as text; arrays and maps as JSON. What does not parse
    stays text, for the validation to refuse.
    """
    nested = {
        str(f.alias)
        for f in Declared.model_fields.values()
        if get_origin(f.annotation) in {dict, list}
    }
    values = dict(config)
    for key in nested & values.keys():
        try:
            values[key] = json.loads(str(values[key]))
        except ValueError:
            continue
    return values
