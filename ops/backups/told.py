"""A file's checks, and what was not done with one, as people read them."""

from collections.abc import Sequence

from ops.console import Table
from ops.results import CheckResult

SHOWN = 5  # lines of one check; JSON has all


def account(checks: Sequence[CheckResult]) -> list[Table | str]:
    """Return a table of the checks, and below it what is wrong and what to do."""
    rows = tuple((one.check.replace("_", " "), one.state.value, one.detail) for one in checks)
    told: list[Table | str] = [Table("", ("check", "state", "what came out"), rows)]
    for one in checks:
        told += [f"  - {line}" for line in one.differences[:SHOWN]]
        if len(one.differences) > SHOWN:
            told.append(f"  - and {len(one.differences) - SHOWN} more")
        if one.remedy:
            told.append(f"  {one.remedy}")
    return told


def undone(would: str, instance: str) -> tuple[str, str]:
    """Return that production was left alone, and how to do it."""
    return f"{would} It is production: nothing was done.", f"Add --yes --confirm {instance}"
