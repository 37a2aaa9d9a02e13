"""Results as a block of an HTML page; whatever a check says is text there."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ops.checks.report import label
from ops.checks.result import Checked, CheckResult, State

if TYPE_CHECKING:  # slow to import: only a page needs it
    from markupsafe import Markup

SHOWN = 25  # findings of a check on a page; JSON and records have all
MARKS = {
    State.OK: "\N{CHECK MARK}",
    State.FINDING: "\N{BALLOT X}",
    State.UNKNOWN: "?",
    State.NOT_APPLICABLE: "\N{EN DASH}",
}


def table(
    results: Iterable[Checked | CheckResult], most: int = SHOWN, *, findings: bool = True
) -> "Markup":
    """Return a row a check with its findings, their remedies, statements, locks and undo.

    The classes are those of the page's frame: a state's word, ``differences``, ``remedy``, ``n``
    for numbers, ``wide`` for what scrolls.

    Args:
        results: what came out, and of which system where there are several.
        most: findings of one check.
        findings: whether they are shown at all.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["label"] = label
    checked = [
        Checked("", result) if isinstance(result, CheckResult) else result for result in results
    ]
    text = environment.get_template("results.html.j2").render(
        checked=checked,
        named=any(each.copy for each in checked),
        most=most if findings else 0,
        marks=MARKS,
    )
    return Markup(text)  # noqa: S704 - escaped by the template
