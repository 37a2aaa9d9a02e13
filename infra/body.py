"""From the inputs of ``gcp.sql.*`` resources to bodies of the Admin API, and back.

The only place that knows both shapes. An input that is not in the tables is refused:
left out silently it would never arrive.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.apidefaults import fills_in
from infra.changes import AUTHORIZED, REMOVED_BLOCKS, body_leaves
from infra.desired import DesiredResource
from ops.errors import OpsError

# gcp.sql.DatabaseInstance input -> API path, where they differ; API 64-bit numbers are text.
RENAMED: Mapping[str, str] = {
    "settings.diskSize": "settings.dataDiskSizeGb",
    "settings.diskType": "settings.dataDiskType",
    "settings.diskAutoresize": "settings.storageAutoResize",
    "settings.diskAutoresizeLimit": "settings.storageAutoResizeLimit",
    "encryptionKeyName": "diskEncryptionConfiguration.kmsKeyName",
}
# A block that the API has as a list, and lists of which the API has one.
LISTED: Mapping[str, str] = {
    "settings.denyMaintenancePeriod": "settings.denyMaintenancePeriods",
}
FIRST: Mapping[str, str] = {
    "settings.connectionPoolConfigs": "settings.connectionPoolConfig",
    "settings.ipConfiguration.pscConfigs": "settings.ipConfiguration.pscConfig",
}
AS_TEXT = frozenset({"settings.dataDiskSizeGb", "settings.storageAutoResizeLimit"})
SAME = frozenset(
    {
        "name",
        "region",
        "databaseVersion",
        "instanceType",
        "masterInstanceName",
        "nodeCount",
        "settings.tier",
        "settings.edition",
        "settings.activationPolicy",
        "settings.availabilityType",
        "settings.deletionProtectionEnabled",
        "settings.databaseFlags",
        "settings.userLabels",
        "settings.backupConfiguration.enabled",
        "settings.backupConfiguration.startTime",
        "settings.backupConfiguration.location",
        "settings.backupConfiguration.pointInTimeRecoveryEnabled",
        "settings.backupConfiguration.transactionLogRetentionDays",
        "settings.backupConfiguration.backupRetentionSettings.retainedBackups",
        "settings.backupConfiguration.backupRetentionSettings.retentionUnit",
        "settings.ipConfiguration.ipv4Enabled",
        "settings.ipConfiguration.privateNetwork",
        "settings.ipConfiguration.sslMode",
        "settings.ipConfiguration.serverCaMode",
        "settings.ipConfiguration.serverCaPool",
        "settings.connectorEnforcement",
        "settings.dataCacheConfig.dataCacheEnabled",
        "settings.finalBackupConfig.enabled",
        "settings.finalBackupConfig.retentionDays",
        "settings.insightsConfig.queryInsightsEnabled",
        "settings.insightsConfig.queryStringLength",
        "settings.insightsConfig.queryPlansPerMinute",
        "settings.insightsConfig.recordApplicationTags",
        "settings.insightsConfig.recordClientAddress",
        "settings.locationPreference.zone",
        "settings.locationPreference.secondaryZone",
        "settings.maintenanceWindow.day",
        "settings.maintenanceWindow.hour",
        "settings.maintenanceWindow.updateTrack",
        "settings.passwordValidationPolicy.enablePasswordPolicy",
        "settings.passwordValidationPolicy.minLength",
        "settings.passwordValidationPolicy.complexity",
        "settings.passwordValidationPolicy.disallowUsernameSubstring",
        "settings.retainBackupsOnDelete",
    }
)
# What an update takes beside the settings; the rest is chosen at creation.
WITH_SETTINGS = ("name", "region", "databaseVersion", "nodeCount")
SETS = frozenset({"databaseFlags", "userLabels"})  # replaced whole, never merged
REMOVED = frozenset(path.removeprefix("settings.") for path in REMOVED_BLOCKS)
WHOLE = SAME | LISTED.keys() | FIRST.keys()
INPUT_OF: Mapping[str, str] = {
    **{path: path for path in SAME},
    **{api: path for table in (RENAMED, LISTED, FIRST) for path, api in table.items()},
}
# The provider's own: where the call goes, and its own deletion protection.
NOT_IN_BODY = frozenset({"project", "deletionProtection"})


class UnmappedInputError(OpsError):
    """The program declares something that the built-in deployer can't send."""

    def __init__(self, resource: str, path: str) -> None:
        super().__init__(
            f"The built-in deployer does not know the input {path} of {resource}."
            " Add it to infra/body.py, or deploy with `pulumi up -s local`."
        )


def api_path(path: str) -> str:
    """Return the API's path of an input's path."""
    return {**RENAMED, **LISTED, **FIRST}.get(path, path)


def instance_body(resource: DesiredResource) -> dict[str, Any]:
    """Return the API body that creates a declared instance.

    Raises:
        UnmappedInputError: It has an input that the API body has no known place for.
    """
    for path, _ in _inputs(resource.inputs):
        if path not in WHOLE and path not in RENAMED and path not in NOT_IN_BODY:
            raise UnmappedInputError(resource.name, path)
    return body_of(resource.inputs)


def body_of(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs of an instance in the API's shape; what we never declare keeps its path."""
    body: dict[str, Any] = {}
    for path, value in _inputs(inputs):
        if path in NOT_IN_BODY:
            continue
        target = api_path(path)
        *parents, last = target.split(".")
        node = body
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = _value(path, target, value)
    return body


def _value(path: str, target: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    if path in LISTED:
        return [dict(value)]
    if path in FIRST:
        return dict(value[0]) if value else {}
    return str(value) if target in AS_TEXT else value


def _inputs(inputs: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return the inputs by their paths; flags and labels stay whole."""
    leaves: list[tuple[str, Any]] = []
    for key, value in inputs.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and path not in WHOLE:
            leaves += _inputs(value, f"{path}.")
        else:
            leaves.append((path, value))
    return leaves


@dataclass(frozen=True, slots=True)
class Declarable:
    """What the API tells of an instance, as a program would declare it.

    Attributes:
        inputs: By their paths, as ``settings.diskSize``; flags and labels whole.
        beyond: API paths of what is set and no input is known for, with their values.
    """

    inputs: Mapping[str, Any]
    beyond: Mapping[str, str]


def declarable(body: Mapping[str, Any]) -> Declarable:
    """Return the inputs that a live instance would be declared with."""
    inputs: dict[str, Any] = {}
    beyond: dict[str, str] = {}
    leaves = dict(body_leaves(body))
    for path, value in _leaves(body):
        if path in INPUT_OF:
            inputs[INPUT_OF[path]] = _input(path, value)
            continue
        text = value if isinstance(value, str) else json.dumps(value)
        if path.startswith("settings.") and not fills_in(path, {**leaves, path: text}):
            beyond[path] = text
    return Declarable(inputs, beyond)


def _leaves(body: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what a body tells by its paths; what is one input stays whole."""
    for key, value in body.items():
        path = f"{prefix}{key}"
        if key == "kind" or value in ([], {}):
            continue
        if isinstance(value, Mapping) and path not in INPUT_OF:
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def _input(path: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    if path in LISTED.values():
        return {key: item for key, item in value[0].items() if key != "kind"}
    return int(value) if path in AS_TEXT else value


def update_body(
    declared: Mapping[str, Any], live: Mapping[str, Any], ignored: Iterable[str]
) -> dict[str, Any]:
    """Return the API body that makes a live instance what is declared (``instances.update``).

    The whole settings go, as the provider sends them: a patch merges labels, and an empty
    set of flags does not survive the client's encoding, so that neither could be emptied.

    Args:
        declared: The declared instance.
        live: The API's answer about it; what is not declared stays as it is, and its
            settingsVersion is the API's optimistic lock.
        ignored: API paths that stay as they are.
    """
    settings = {**live["settings"]}
    for entry in (*SETS, *REMOVED):
        settings.pop(entry, None)
    *_, block, networks = AUTHORIZED.split(".")
    if networks in settings.get(block, {}):
        settings[block] = {k: v for k, v in settings[block].items() if k != networks}
    names = {path.removeprefix("settings.") for path in ignored}
    for entry, value in declared["settings"].items():
        if entry in names and entry in settings:
            continue
        merges = isinstance(value, Mapping) and entry not in SETS
        settings[entry] = {**settings.get(entry, {}), **value} if merges else value
    beside = {path: declared[path] for path in WITH_SETTINGS if path in declared}
    return {**beside, "settings": settings}
