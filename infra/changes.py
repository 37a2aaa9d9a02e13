"""What differs between a declared instance and a live one, and what the difference does."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.consequences import FLAGS, LABELS, Consequence, Effect
from infra.flags import FlagError, compile_flag, in_words

# Blocks that go when they are no longer declared; of others the live value stays.
REMOVED_BLOCKS = (
    "settings.denyMaintenancePeriods",
    "settings.maintenanceWindow",
    "settings.passwordValidationPolicy",
)
AUTHORIZED = "settings.ipConfiguration.authorizedNetworks"  # a whole set, as flags are
SETS = (FLAGS, LABELS, AUTHORIZED)
_SETS = tuple(f"{path}." for path in SETS)
_REMOVED = tuple(f"{block}." for block in REMOVED_BLOCKS)
SOURCE = "masterInstanceName"
KEY = "diskEncryptionConfiguration.kmsKeyName"
NETWORK = "settings.ipConfiguration.privateNetwork"
READ_POOL = "READ_POOL_INSTANCE"
# Of a read pool Cloud SQL decides these by its nodes and its autoscaling.
# https://cloud.google.com/sql/docs/postgres/about-read-pools
OF_THE_NODES = frozenset({"settings.availabilityType"})
AUTOSCALED = "nodeCount"
# The API leaves out what has its type's zero value; an enum's ends in _UNSPECIFIED.
NOTHING = frozenset({"", "0", "false"})
UNSPECIFIED = "_UNSPECIFIED"
# What Cloud SQL does where its answer says nothing, by the defaults of the API's reference:
# https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1beta4/instances
WHEN_ABSENT: Mapping[str, str] = {
    "settings.connectorEnforcement": "NOT_REQUIRED",
    "settings.edition": "ENTERPRISE",
    "settings.insightsConfig.queryPlansPerMinute": "5",
    "settings.insightsConfig.queryStringLength": "1024",
    "settings.ipConfiguration.serverCaMode": "GOOGLE_MANAGED_INTERNAL_CA",
    "settings.maintenanceWindow.updateTrack": "stable",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One property that differs.

    Attributes:
        property: Its path, as ``settings.tier`` or ``settings.databaseFlags.work_mem``.
        before: The value that there is, in words; empty where there is none.
        after: The value to come, in words; empty where it goes.
        effect: What the change does.
        consequence: That with its reason and source; None where only the effect is known.
        raw: Both values as the API writes them, where words say it otherwise.
    """

    property: str
    before: str
    after: str
    effect: Effect
    consequence: Consequence | None = None
    raw: tuple[str, str] | None = None


def compare(
    declared: Mapping[str, Any],
    live: Mapping[str, Any],
    ignored: Iterable[str] = (),
    *,
    complete: bool = False,
) -> tuple[Change, ...]:
    """Return how a live instance differs from its declaration.

    Only what is declared counts, but flags and labels are whole sets, and some blocks are
    there or not: a live one that is not declared goes.

    Args:
        declared: The instance as an API body.
        live: The API's answer about the instance.
        ignored: Paths whose changes are left alone.
        complete: Whether everything that is not declared goes: so it is between two
            declarations.
    """
    # Here, since the API's shape is known by a module that imports this one.
    from infra.effects.instances import judge_instance, with_instance_defaults

    desired, current = dict(body_leaves(declared)), dict(body_leaves(live))
    if complete:
        current, desired = map(dict, with_instance_defaults(current, desired))
    paths = [path for path in desired if _differs(path, desired[path], current.get(path, ""))]
    paths += [
        path for path in current if path not in desired and (complete or _goes(path, current[path]))
    ]
    if not complete and current.get(KEY) and not {KEY, SOURCE} & desired.keys():
        paths.append(KEY)  # of a replica that says none it is its primary's
    own = frozenset() if complete else _cloud_sqls_own(declared, live)
    paths = [path for path in paths if path not in own]
    left_alone = frozenset(ignored)
    return tuple(
        _change(
            path,
            current.get(path, ""),
            desired.get(path, ""),
            judge_instance(path, current, desired),
            ignored=is_ignored(path, left_alone),
        )
        for path in sorted(paths)
    )


def is_ignored(path: str, ignored: Iterable[str]) -> bool:
    """Tell whether a property, or a block around it, is among those that are left alone."""
    return any(path == entry or path.startswith((f"{entry}.", f"{entry}[")) for entry in ignored)


def _change(
    path: str, before: str, after: str, consequence: Consequence, *, ignored: bool
) -> Change:
    words = _words(path, before), _words(path, after)
    return Change(
        property=path,
        before=words[0],
        after=words[1],
        effect=Effect.IGNORED if ignored else consequence.effect,
        consequence=consequence,
        raw=None if words == (before, after) else (before, after),
    )


def _cloud_sqls_own(declared: Mapping[str, Any], live: Mapping[str, Any]) -> frozenset[str]:
    """Return what is declared, yet Cloud SQL decides: no deployment makes it so."""
    if declared.get("instanceType") != READ_POOL:
        return frozenset()
    scaling = live.get("settings", {}).get("readPoolAutoScaleConfig") or {}
    return OF_THE_NODES | {AUTOSCALED} if scaling.get("enabled") else OF_THE_NODES


def _goes(path: str, value: str) -> bool:
    """Tell whether a live value goes when it is not declared."""
    if path.startswith(_SETS):
        return True
    return path.startswith(_REMOVED) and not nothing(value) and not path.endswith(".kind")


def _differs(path: str, desired: str, current: str) -> bool:
    if desired == (current or WHEN_ABSENT.get(path, "")):
        return False
    if path == SOURCE:  # the API puts the project in front
        return desired.rpartition(":")[2] != current.rpartition(":")[2]
    if path == NETWORK:  # the API may answer with the address of the same network
        return _below_project(desired) != _below_project(current)
    return not (nothing(desired) and nothing(current))


def _below_project(network: str) -> str:
    return network[network.find("projects/") :] if "projects/" in network else network


def nothing(value: str) -> bool:
    """Tell whether a value is what the API leaves out: its type's zero."""
    return value in NOTHING or value.endswith(UNSPECIFIED)


def body_leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each path and its value as text; flags and authorized networks by their names."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from body_leaves(item, f"{path}.{key}" if path else str(key))
    elif path in {FLAGS, AUTHORIZED} and isinstance(value, list | tuple):
        yield from (_flag_leaf(entry) if path == FLAGS else _network_leaf(entry) for entry in value)
    elif isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from body_leaves(item, f"{path}.{number}")
    elif isinstance(value, str):
        yield path, value
    elif value is not None:
        yield path, json.dumps(value)


def _flag_leaf(flag: Mapping[str, Any]) -> tuple[str, str]:
    name = str(flag.get("name", ""))
    return f"{FLAGS}.{name}", _canonical(name, str(flag.get("value", "")))


def _network_leaf(network: Mapping[str, Any]) -> tuple[str, str]:
    return f"{AUTHORIZED}.{network.get('value')}", str(network.get("name") or "allowed")


def _canonical(name: str, value: str) -> str:
    """Return a flag's value as it would be compiled: 0.050 is 0.05."""
    try:
        return compile_flag(name, value).value
    except FlagError:
        return value


def _words(path: str, value: str) -> str:
    name = _flag(path)
    return in_words(name, value) if name else value


def _flag(path: str) -> str:
    return path.removeprefix(f"{FLAGS}.") if path.startswith(f"{FLAGS}.") else ""
