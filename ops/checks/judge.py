"""Compares two answers to one question by the objects that they name: the copy's, the source's."""

from collections.abc import Mapping
from dataclasses import replace

from ops.checks.result import CheckResult, Finding, Level, ObjectId, Remedy, State

MEND_SOURCE = "What the source has too is no fault of the restore: mend it there."


def against(result: CheckResult, of_source: CheckResult) -> CheckResult:
    """Return a finding of a copy without what is wrong on the source just as well.

    What the source says of the same object in the same words came with the data: a warning. The
    same object with other figures may have moved on, or may be worse on the copy: unknown.

    Args:
        result: of the copy; it stays as it is where something could not be looked at.
        of_source: the same check of the source.
    """
    complete = all(each.examined == each.total for each in (result, of_source))
    if not complete or of_source.state is not State.FINDING:
        return result
    on_source = {finding.object: finding.message for finding in of_source.at(Level.FINDING)}
    findings = tuple(_beside(finding, on_source) for finding in result.findings)
    same = sum(finding.level is Level.WARNING for finding in findings)
    moved = sum(finding.level is Level.UNKNOWN for finding in findings)
    if not (same or moved):
        return result
    left = any(finding.level is Level.FINDING for finding in findings)
    detail = f"{result.detail}; {same} of them on the source too: that came with the data"
    if moved:
        detail += f"; {moved} on the source with other figures"
    return replace(
        result,
        state=State.FINDING if left else State.UNKNOWN if moved else State.OK,
        examined=result.examined - moved,
        detail=detail,
        findings=tuple(sorted(findings, key=lambda finding: _ORDER.index(finding.level))),
        remedy=MEND_SOURCE,
    )


_ORDER = (Level.FINDING, Level.UNKNOWN, Level.WARNING, Level.NOTE)


def _beside(finding: Finding, on_source: Mapping[ObjectId, str]) -> Finding:
    """Return a finding of the copy beside the source's of the same object."""
    if finding.level is not Level.FINDING or finding.object not in on_source:
        return finding
    if finding.message == on_source[finding.object]:
        message = f"{finding.message}, on the source too"
        return replace(finding, level=Level.WARNING, message=message, remedy=Remedy(MEND_SOURCE))
    message = f"{finding.message}, on the source with other figures"
    return replace(finding, level=Level.UNKNOWN, message=message)
