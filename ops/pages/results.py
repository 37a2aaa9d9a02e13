"""Results as a block of an HTML page; whatever a check says is text there."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ops.checks.report import label
from ops.checks.result import Checked, CheckResult, State
from ops.pages import frame
from ops.pages.values import DASH

if TYPE_CHECKING:  # slow to import: only a page needs it
    from markupsafe import Markup

_TEMPLATE = Path(__file__).parent / "results.html.j2"
SHOWN = 25  # findings of a check on a page; JSON and records have all
MARKS = {
    State.OK: "\N{CHECK MARK}",
    State.FINDING: "\N{BALLOT X}",
    State.UNKNOWN: "?",
    State.NOT_APPLICABLE: DASH,
}


def table(
    results: Iterable[Checked | CheckResult], most: int = SHOWN, *, findings: bool = True
) -> "Markup":
    """Return a row a check with its findings, their remedies, statements, locks and undo.

    The classes are those of the frame: a state's word, ``differences``, ``remedy``, ``n``
    for numbers, ``wide`` for what scrolls.

    Args:
        results: what came out, and of which system where there are several.
        most: findings of one check.
        findings: whether they are shown at all.
    """
    from markupsafe import Markup

    checked = [
        Checked("", result) if isinstance(result, CheckResult) else result for result in results
    ]
    text = frame.render(
        _TEMPLATE,
        checked=checked,
        label=label,
        named=any(each.copy for each in checked),
        most=most if findings else 0,
        marks=MARKS,
    )
    return Markup(text)  # noqa: S704 - escaped by the template
