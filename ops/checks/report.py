"""Results as people read them: the same table, lines and counts of them for every task."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ops.checks.result import Checked, CheckResult, Finding, Level, Remedy, State
from ops.console import Table, wrap

SHOWN = 4  # findings of one check among many, to people; JSON and evidence have all


@dataclass(frozen=True, slots=True)
class Column:
    """A column that only some tasks show beside a check.

    Attributes:
        title: above it.
        value: what it has for a result.
    """

    title: str
    value: Callable[[CheckResult], object]


def label(check: str) -> str:
    """Return a check's name for people."""
    return check.replace("_", " ")


def _checked(results: Iterable[Checked | CheckResult]) -> tuple[Checked, ...]:
    """Return results with the system that they are of; one that has no name needs no column."""
    return tuple(
        Checked("", result) if isinstance(result, CheckResult) else result for result in results
    )


def shorten(lines: Iterable[str], most: int | None = SHOWN) -> Iterator[str]:
    """Yield the first lines of a list, and how many more there are; None shows all."""
    listed = tuple(lines)
    yield from (f"  - {line}" for line in listed[:most])
    if most is not None and len(listed) > most:
        yield f"  - and {len(listed) - most} more"


def table(
    title: str, results: Iterable[Checked | CheckResult], columns: Sequence[Column] = ()
) -> Table:
    """Return a row a check; what was checked has a column where it has a name."""
    listed = _checked(results)
    named = any(each.copy for each in listed)
    titles = ("check", *(column.title for column in columns), "state", "what came out")
    rows = (
        (
            *((each.copy,) if named else ()),
            label(each.result.check),
            *(column.value(each.result) for column in columns),
            each.result.state.value,
            each.result.detail,
        )
        for each in listed
    )
    return Table(title, ("of", *titles) if named else titles, tuple(rows))


def details(result: CheckResult, most: int | None = SHOWN) -> Iterator[str]:
    """Yield the findings of a check, each with what to do about it, and the check's remedy.

    A remedy that several findings in a row have follows the last of them.
    """
    # a finding that says no more than the check is not repeated
    findings = [finding for finding in result.findings if finding.message != result.detail]
    listed = findings[:most]
    for finding, following in zip_longest(listed, listed[1:]):
        yield f"  - {_prefix(finding, result)}{finding.line}"
        same = following is not None and following.remedy == finding.remedy
        if finding.remedy is not None and finding.remedy.text != result.remedy and not same:
            yield from (f"    {line}" for line in advise(finding.remedy))
    if len(findings) > len(listed):
        yield f"  - and {len(findings) - len(listed)} more"
    if result.remedy:
        yield f"  {result.remedy}"


def _prefix(finding: Finding, result: CheckResult) -> str:
    """Return what a finding means where the check's state does not say it."""
    if finding.level.value == result.state.value:
        return ""
    return f"{finding.level.value}: "


def advise(remedy: Remedy) -> Iterator[str]:
    """Yield what to do, the statement that does it with its lock, and the one that undoes it."""
    if remedy.text:
        yield remedy.text
    if remedy.sql:
        yield f"{remedy.sql}{f'  -- takes {remedy.lock}' if remedy.lock else ''}"
    if remedy.undo:
        yield f"{remedy.undo}  -- takes it back"


def needs_words(result: CheckResult) -> bool:
    """Return whether a check has more to say than that all is well."""
    if result.state is State.OK:
        return bool(result.remedy or result.at(Level.WARNING))
    return result.state is not State.NOT_APPLICABLE


def explain(results: Iterable[Checked | CheckResult]) -> Iterator[str]:
    """Yield what is wrong, unknown or limited; what several systems say alike is said once."""
    alike: dict[tuple[str, str, tuple[str, ...], str], list[Checked]] = {}
    for each in _checked(results):
        result = each.result
        if needs_words(result):
            key = (result.check, result.detail, result.differences, result.remedy)
            alike.setdefault(key, []).append(each)
    for several in alike.values():
        result = several[0].result
        where = " and ".join(each.copy for each in several if each.copy)
        yield f"{_name(where, result)}: {result.detail}"
        yield from details(result)


def _name(where: str, result: CheckResult) -> str:
    return f"{where}, {label(result.check)}" if where else label(result.check)


def blocks(
    title: str,
    results: Iterable[Checked | CheckResult],
    columns: Sequence[Column] = (),
    most: int | None = None,
) -> Iterator[Table | str]:
    """Yield a row a check, and below it the findings and remedies of those that are not ok.

    Args:
        title: above the table.
        results: what came out, and of which system where there are several.
        columns: besides the usual ones.
        most: findings of one check; None shows all.
    """
    listed = _checked(results)
    yield table(title, listed, columns)
    for each in listed:
        lines = tuple(details(each.result, most))
        if lines and each.result.state is not State.NOT_APPLICABLE:
            yield f"{_name(each.copy, each.result)}:"
            yield from map(wrap, lines)
