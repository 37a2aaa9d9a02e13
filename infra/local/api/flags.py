"""flags.list, and the check of an instance's flags."""

import math
import re
from typing import Any

from infra.flags import Flag, FlagError, FlagType, catalogue, compile_flag
from infra.local.api.call import Call
from infra.local.api.errors import ApiError
from infra.local.model import Body

_TIER = re.compile(r"db-(?:custom|perf-optimized-N)-(\d+)(?:-(\d+))?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TYPES = {
    FlagType.INTEGER: "INTEGER",
    FlagType.FLOAT: "FLOAT",
    FlagType.BOOLEAN: "BOOLEAN",
    FlagType.ENUM: "STRING",
}
_INT64_MAX = 2**63 - 1


def every(call: Call) -> Body:
    """Answer flags.list."""
    version = call.query.get("databaseVersion", "POSTGRES_15")
    shown = catalogue().values() if version.startswith("POSTGRES_") else ()
    return {"kind": "sql#flagsList", "items": [_resource(flag, version) for flag in shown]}


def _resource(flag: Flag, version: str) -> Body:
    result: dict[str, Any] = {
        "kind": "sql#flag",
        "name": flag.name,
        "type": _TYPES[flag.type],
        "appliesTo": [version],
        "requiresRestart": flag.restart,
    }
    if flag.choices:
        result["allowedStringValues"] = list(flag.choices)
    for name, limit in (("minValue", flag.minimum), ("maxValue", flag.maximum)):
        if limit is not None and math.isfinite(limit):
            result[name] = str(max(-_INT64_MAX, min(_INT64_MAX, int(limit))))
    return result


def memory_mb(tier: str) -> int | None:
    """Return the memory of a custom tier in MiB, which its name tells; None for others."""
    found = _TIER.fullmatch(tier)
    return int(found[2]) if found and found[2] else None


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
    return ApiError(400, "invalidFlagValue", f"Invalid flag value for {name}: {value!r:.80}. {why}")
