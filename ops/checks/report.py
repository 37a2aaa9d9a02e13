"""Results as people read them: the same rows, lines and counts of them for every task."""

from collections.abc import Iterable, Iterator

from ops.checks.result import Checked, CheckResult, State
from ops.console import Table

SHOWN = 4  # findings of one check, to people; JSON and evidence have all
COLUMNS = ("check", "state", "what came out")


def label(check: str) -> str:
    """Return a check's name for people."""
    return check.replace("_", " ")


def shorten(lines: Iterable[str], most: int = SHOWN) -> Iterator[str]:
    """Yield the first lines of a list, and how many more there are."""
    every = tuple(lines)
    yield from (f"  - {line}" for line in every[:most])
    if len(every) > most:
        yield f"  - and {len(every) - most} more"


def table(title: str, results: Iterable[CheckResult]) -> Table:
    """Return a row a check."""
    rows = tuple((label(result.check), result.state.value, result.detail) for result in results)
    return Table(title, COLUMNS, rows)


def details(result: CheckResult, most: int = SHOWN) -> Iterator[str]:
    """Yield the findings of a check, a line each, and its remedy."""
    yield from shorten(result.differences, most)
    if result.remedy:
        yield f"  {result.remedy}"


def needs_words(result: CheckResult) -> bool:
    """Return whether a check has more to say than that all is well."""
    if result.state is State.OK:
        return bool(result.remedy)
    return result.state is not State.NOT_APPLICABLE


def explain(checked: Iterable[Checked]) -> Iterator[str]:
    """Yield what is wrong, unknown or limited; what several systems say alike is said once."""
    alike: dict[tuple[str, str, tuple[str, ...], str], list[Checked]] = {}
    for each in checked:
        result = each.result
        if needs_words(result):
            key = (result.check, result.detail, result.differences, result.remedy)
            alike.setdefault(key, []).append(each)
    for several in alike.values():
        result = several[0].result
        where = " and ".join(each.copy for each in several if each.copy)
        name = f"{where}, {label(result.check)}" if where else label(result.check)
        yield f"{name}: {result.detail}"
        yield from details(result)


def explain_results(results: Iterable[CheckResult]) -> Iterator[str]:
    """Yield what is wrong, unknown or limited with one system; see ``explain``."""
    return explain(Checked("", result) for result in results)
