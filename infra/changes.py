"""What differs between a declared instance and a live one, and what the difference does."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.flags import FlagError, catalogue, compile_flag, in_words

FLAGS = "settings.databaseFlags"
LABELS = "settings.userLabels"
DISK_SIZE = "settings.dataDiskSizeGb"
# Blocks that go when they are no longer declared; of others the live value stays.
REMOVED_BLOCKS = (
    "settings.connectionPoolConfig",
    "settings.dataCacheConfig",
    "settings.denyMaintenancePeriods",
    "settings.maintenanceWindow",
    "settings.passwordValidationPolicy",
)
AUTHORIZED = "settings.ipConfiguration.authorizedNetworks"  # a whole set, as flags are
SETS = (FLAGS, LABELS, AUTHORIZED)
_SETS = tuple(f"{path}." for path in SETS)
_REMOVED = tuple(f"{block}." for block in REMOVED_BLOCKS)
SOURCE = "masterInstanceName"
POINT_IN_TIME = "settings.backupConfiguration.pointInTimeRecoveryEnabled"

# What the gcp provider replaces and restarts: "Provider behaviour to predict" of the design,
# collected from terraform-provider-google-beta 7.45.
REPLACES = frozenset({"name", "region", SOURCE, "diskEncryptionConfiguration.kmsKeyName"})
RESTARTS = frozenset(
    {
        "databaseVersion",
        "settings.tier",
        "settings.edition",
        "settings.availabilityType",
        "settings.insightsConfig.queryStringLength",
        "settings.locationPreference.zone",
    }
)
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


class Effect(StrEnum):
    """What carrying a change out does."""

    UPDATE = "update"
    RESTART = "restart"
    REPLACE = "replace"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Change:
    """One property that differs.

    Attributes:
        property: Its path, as ``settings.tier`` or ``settings.databaseFlags.work_mem``.
        before: The live value in words; empty where there is none.
        after: The declared value in words; empty where it goes.
        effect: What the change does.
    """

    property: str
    before: str
    after: str
    effect: Effect


def compare(
    declared: Mapping[str, Any], live: Mapping[str, Any], ignored: Iterable[str] = ()
) -> tuple[Change, ...]:
    """Return how a live instance differs from its declaration.

    Only what is declared counts, but flags and labels are whole sets, and some blocks are
    there or not: a live one that is not declared goes.

    Args:
        declared: The instance as an API body.
        live: The API's answer about the instance.
        ignored: Paths whose changes are left alone.
    """
    wanted, there = dict(_leaves(declared)), dict(_leaves(live))
    paths = [path for path in wanted if _differs(path, wanted[path], there.get(path, ""))]
    paths += [path for path in there if path not in wanted and _goes(path, there[path])]
    left_alone = frozenset(ignored)
    return tuple(
        Change(
            property=path,
            before=_words(path, there.get(path, "")),
            after=_words(path, wanted.get(path, "")),
            effect=(
                Effect.IGNORED
                if path in left_alone
                else _effect(path, there.get(path, ""), wanted.get(path, ""))
            ),
        )
        for path in sorted(paths)
    )


def _goes(path: str, value: str) -> bool:
    """Tell whether a live value goes when it is not declared."""
    if path.startswith(_SETS):
        return True
    return path.startswith(_REMOVED) and not nothing(value) and not path.endswith(".kind")


def _differs(path: str, wanted: str, there: str) -> bool:
    if wanted == (there or WHEN_ABSENT.get(path, "")):
        return False
    if path == SOURCE:  # the API puts the project in front
        return wanted.rpartition(":")[2] != there.rpartition(":")[2]
    return not (nothing(wanted) and nothing(there))


def nothing(value: str) -> bool:
    """Tell whether a value is what the API leaves out: its type's zero."""
    return value in NOTHING or value.endswith(UNSPECIFIED)


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each path and its value as text; flags and authorized networks by their names."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif path in {FLAGS, AUTHORIZED} and isinstance(value, list | tuple):
        yield from (_flag_leaf(one) if path == FLAGS else _network_leaf(one) for one in value)
    elif isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}.{number}")
    elif isinstance(value, str):
        yield path, value
    elif value is not None:
        yield path, json.dumps(value)


def _flag_leaf(flag: Mapping[str, Any]) -> tuple[str, str]:
    return f"{FLAGS}.{flag['name']}", _canonical(flag["name"], str(flag.get("value", "")))


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


def _effect(path: str, before: str, after: str) -> Effect:
    if path in REPLACES or (path == DISK_SIZE and int(after or 0) < int(before or 0)):
        return Effect.REPLACE
    flag = catalogue().get(_flag(path))
    restarts = path in RESTARTS or (path == POINT_IN_TIME and after == "true")
    return Effect.RESTART if restarts or (flag and flag.restart) else Effect.UPDATE
