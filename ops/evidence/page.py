"""One page about a drill, for auditors and engineers: everything that its record tells.

It needs nothing but itself: no script, no other file. Whatever a record says is text there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ops import measures
from ops.checks.result import Checked, CheckResult, State
from ops.errors import OpsError
from ops.evidence import archive, chain, controls, history, trend
from ops.evidence.history import Entry, History
from ops.evidence.identity import Identity
from ops.evidence.uncompared import NOT_COMPARED, sentence
from ops.measures import Measure
from ops.pages import frame, plots, results
from ops.pages.values import DASH, brief
from ops.store import Store

if TYPE_CHECKING:  # a second to import, with what it needs: only a page does
    from markupsafe import Markup

PLOTTED, LISTED = 200, 20  # drills
COLUMNS, ROWS = 8, 200  # of a table that only one kind of drill has
MADE_BY = "by <code>invoke restore.evidence --html</code> from the record alone"  # its last line
CHAINED = frozenset({"records", "links", "head", "pages", "verdicts"})
SIGNS = {"pass": "✓", "fail": "✗", "unknown": "?"}
_WRONG = {State.FINDING, State.UNKNOWN}
_TEMPLATE = Path(__file__).parent / "page.html.j2"
# What a page shows in a place of its own.
_KNOWN = frozenset(
    (
        *("verdict", "run", "stack", "source", "started", "ended", "backups", "clone", "checks"),
        *("measures", "rto_s", "phases_s", "rpo_s", "injected", "swept", "evidence", "leftovers"),
        *("gap_ms", "lost", "reconnect_ms", "latest_recovery_time", NOT_COMPARED),
    )
)


class CannotSaveError(OpsError):
    """The page can't be written where it was asked for."""

    def __init__(self, path: Path, error: OSError) -> None:
        reason = error.strerror or type(error).__name__
        super().__init__(f"Can't write the page to {path}: {reason}. Name another file.")


def render(
    store: Store,
    entry: Entry,
    now: datetime,
    checks: Sequence[CheckResult],
    *,
    days: int,
    identity: Identity | None = None,
) -> str:
    """Return the page about a drill.

    Args:
        store: where its record lies, and the others of its kind.
        entry: the drill.
        now: the time, which the page says it was made at.
        checks: of the chain; empty reads the whole chain and checks it.
        days: after which the newest pass is too old; 0 for never.
        identity: the stack's instance; None counts the drills of every instance.
    """
    records = archive.read(store, entry.kind)
    records_history = history.read(records, entry.kind, PLOTTED, identity)
    chained = tuple(checks) or chain.verify_archive(records)
    return _template(
        entry, records_history, now, (*chained, *_checks(records_history, now, days)), plotted=True
    )


def render_quickly(
    store: Store, entry: Entry, now: datetime, *, days: int, identity: Identity | None = None
) -> str:
    """Return the page without plots, and without having checked the chain: costs next to nothing.

    Args:
        store: where its record lies, and the others of its kind.
        entry: the drill.
        now: the time, which the page says it was made at.
        days: after which the newest pass is too old; 0 for never.
        identity: the stack's instance; None counts the drills of every instance.
    """
    past = history.read(store, entry.kind, LISTED, identity)
    return _template(entry, past, now, _checks(past, now, days), plotted=False)


def _checks(past: History, now: datetime, days: int) -> tuple[CheckResult, ...]:
    limit = days if past.kind in trend.SCHEDULED else 0
    return (
        trend.stale(past, now, days=limit),
        trend.growth(past.passes),
        trend.readable(past),
        trend.instance(past),
    )


def is_page(path: Path) -> bool:
    """Return whether a file is a page that was made here, which a newer one may replace."""
    try:
        return MADE_BY in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def save(text: str, path: Path) -> str:
    """Write a page to a file; return where. Raises CannotSaveError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise CannotSaveError(path, error) from error
    return str(path)


def _template(
    entry: Entry, past: History, now: datetime, checks: Sequence[CheckResult], *, plotted: bool
) -> str:
    from markupsafe import Markup

    drawn = plotted and plots.available()
    own = {name: value for name, value in entry.facts.items() if name not in _KNOWN}
    return frame.render(
        _TEMPLATE,
        entry=entry,
        not_compared=sentence(entry.not_compared),
        figures=entry.measures.items(),
        meaning=measures.meaning,
        facts=[(name, value) for name, value in own.items() if not _tabular(value)],
        tables=[(name, *_table(value)) for name, value in own.items() if _tabular(value)],
        backups=_objects(entry.facts.get("backups")),
        clone=_object(entry.facts.get("clone")),
        swept=[str(name) for name in _listed(entry.facts.get("swept"))],
        bars=Markup(_bars(entry)) if drawn else "",  # noqa: S704 - our own SVG, escaped there
        curves=_curves(past, entry, Markup) if drawn else [],
        drawn=drawn,
        answers=controls.answers(entry, checks),
        older=past.entries[:LISTED],
        told=past,
        shown=[check for check in checks if check.check not in CHAINED],
        chained=[check for check in checks if check.check in CHAINED],
        now=now,
        signs=SIGNS,
        table=results.table,
        wrong=[check for check in entry.checks if check.result.state in _WRONG],
        every=list(map(_in_brief, entry.checks)),
        measured=_measured(past, lambda measure: measure.value is not None),
    )


def _measured(past: History, test: Callable[[Measure], bool]) -> list[str]:
    """Return the names of the measures that pass a test in any of the drills."""
    return list(
        dict.fromkeys(
            name for drill in past.entries for name, item in drill.measures.items() if test(item)
        )
    )


def _in_brief(check: Checked) -> Checked:
    """Return a check without what the page has shown of it above."""
    if check.result.state not in _WRONG:
        return check
    return replace(check, result=replace(check.result, findings=(), remedy=""))


def _tabular(value: object) -> bool:
    """Return whether what only this kind of drill tells is a table: objects in a list."""
    return bool(_listed(value)) and all(isinstance(item, Mapping) for item in _listed(value))


def _table(value: object) -> tuple[list[str], list[list[str]], int]:
    """Return the columns and the rows of such a table, and how many rows it has in all."""
    rows = _objects(value)
    columns = list(dict.fromkeys(str(name) for row in rows for name in row))[:COLUMNS]
    cells = [[_cell(row.get(name)) for name in columns] for row in rows[:ROWS]]
    return columns, cells, len(rows)


def _cell(value: object) -> str:
    if value in (None, [], {}):
        return DASH
    if isinstance(value, list) and not any(isinstance(item, Mapping | list) for item in value):
        return ", ".join(map(str, value))
    return brief(value)


def _bars(entry: Entry) -> str:
    return plots.stacked(entry.copies_s, name="phases", title="Seconds by phase")


def _curves(past: History, entry: Entry, markup: "type[Markup]") -> list[tuple[str, "Markup"]]:
    """Return a plot a measure; drills with a fault put in on purpose have no part in it."""
    drills = [
        drill
        for drill in past.entries
        if drill.ended is not None and not drill.injected and not drill.elsewhere
    ]
    curves = []
    for measure_name in _measured(past, lambda _: True):
        by_drill = [drill.measures.get(measure_name) for drill in drills]
        unit = next((measure.unit for measure in by_drill if measure is not None), "")
        points = [
            plots.Point(
                at=(drill.ended or datetime.now(UTC)).astimezone(UTC),
                value=None if measure is None else measure.value,
                verdict=drill.verdict if drill.verdict in SIGNS else "unknown",
                target=None if measure is None else measure.target,
            )
            for drill, measure in zip(drills, by_drill, strict=True)
        ]
        label = measures.meaning(measure_name).label
        name = label.lower().replace(" ", "-")
        title = f"{label} of {len(points)} drills of {entry.source}, over time"
        svg = plots.over_time(points, name=name, label=label, unit=unit, title=title)
        if svg:
            curves.append((measure_name, markup(svg)))
    return curves


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _objects(value: object) -> list[Mapping[str, object]]:
    return [_object(item) for item in _listed(value)]
