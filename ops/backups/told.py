"""A file's checks, and what was not done with one, as people read them."""

from collections.abc import Sequence

from ops.checks.report import details, table
from ops.checks.result import CheckResult
from ops.console import Table


def account(checks: Sequence[CheckResult]) -> list[Table | str]:
    """Return a table of the checks, and below it what is wrong and what to do."""
    lines = [line for result in checks for line in details(result)]
    return [table("", checks), *lines]


def undone(would: str, instance: str) -> tuple[str, str]:
    """Return that production was left alone, and how to do it."""
    return f"{would} It is production: nothing was done.", f"Add --yes --confirm {instance}"
