"""flags.list, and the check of an instance's flags."""

import math
import re
from typing import Any

from infra.flags import Flag, FlagError, FlagType, catalogue, compile_flag
from infra.local.api.call import Call
from infra.local.api.errors import ApiError
from infra.local.api.resources import NEWEST_MAJOR, OLDEST_MAJOR
from infra.local.api.tiers import memory_mb
from infra.local.model import Body

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TYPES = {
    FlagType.INTEGER: "INTEGER",
    FlagType.FLOAT: "FLOAT",
    FlagType.BOOLEAN: "BOOLEAN",
    FlagType.ENUM: "STRING",
    FlagType.STRING: "STRING",
    FlagType.LIST: "REPEATED_STRING",
}
_INT64_MAX = 2**63 - 1
_VERSIONS = tuple(f"POSTGRES_{major}" for major in range(OLDEST_MAJOR, NEWEST_MAJOR + 1))


def list_all(call: Call) -> Body:
    """Answer flags.list: those of one version, or with all versions that they apply to."""
    version = call.query.get("databaseVersion") or ""
    pooled = call.query.get("flagScope") == "SQL_FLAG_SCOPE_CONNECTION_POOL"
    versions = [known for known in _VERSIONS if version in ("", known)]
    flags = catalogue().values() if versions and not pooled else ()
    items = [_resource(flag, versions) for flag in flags]
    return {"kind": "sql#flagsList", **({"items": items} if items else {})}


def _resource(flag: Flag, versions: list[str]) -> Body:
    result: dict[str, Any] = {
        "kind": "sql#flag",
        "name": flag.name,
        "type": _TYPES[flag.type],
        "appliesTo": versions,
        "requiresRestart": flag.restart,
        "flagScope": "SQL_FLAG_SCOPE_DATABASE",
    }
    if flag.choices:
        result["allowedStringValues"] = list(flag.choices)
    for name, limit in (("minValue", flag.minimum), ("maxValue", flag.maximum)):
        if limit is not None and math.isfinite(limit):
            result[name] = str(max(-_INT64_MAX, min(_INT64_MAX, int(limit))))
    return result


def check(settings: Body) -> None:
    """Check an instance's database flags.

    Raises:
        ApiError: 400 invalidFlagValue for an unknown flag, a unit, or a value out of range.
    """
    memory = memory_mb(str(settings.get("tier", "")))
    seen: set[str] = set()
    for flag in settings.get("databaseFlags") or ():
        name, value = str(flag.get("name", "")), str(flag.get("value", ""))
        if name in seen:
            raise _refused(name, value, "it is given twice")
        seen.add(name)
        known = catalogue().get(name)
        if (
            known is not None
            and known.type in (FlagType.INTEGER, FlagType.FLOAT)
            and not _NUMBER.fullmatch(value)
        ):
            unit = f" of {known.unit}" if known.unit else ""
            raise _refused(name, value, f"it takes a bare number{unit}")
        try:
            compile_flag(name, value, memory)
        except FlagError as error:
            raise _refused(name, value, str(error)) from None


def _refused(name: str, value: str, why: str) -> ApiError:
    message = f"Value requested is not valid. Failed to set {name:.80}: {value!r:.80}: {why}"
    return ApiError(400, "invalidFlagValue", message)
