"""Plots as SVG to stand inside a page: times over the drills, and phases of one.

The same drills give the same bytes. Colours are the page's own variables, so that a plot is
light, dark or printed as the page is; verdicts differ in shape, too.
"""

import io
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # takes a second to import: only a page needs it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Stand-ins that matplotlib takes for colours, replaced by the page's variables.
_COLOURS = {
    "ink": "#010203",
    "muted": "#010204",
    "line": "#010205",
    "pass": "#010206",
    "fail": "#010207",
    "unknown": "#010208",
    "accent": "#010209",
    "paper": "#01020a",
    "phase-1": "#01020b",
    "phase-2": "#01020c",
    "phase-3": "#01020d",
    "phase-4": "#01020e",
    "phase-5": "#01020f",
    "phase-6": "#010210",
}
_PHASES = 6
_MARKERS = {"pass": "o", "fail": "X", "unknown": "s"}
_SIZE, _LEAST_SHARE = 7.5, 0.06  # a phase with a smaller share of the bar has no room for words
_HEADROOM = 1.25  # over the highest value
_ABOVE = 3.0  # a target so many times over the highest value would flatten the plot


@dataclass(frozen=True, slots=True)
class Point:
    """One drill on a plot.

    Attributes:
        at: when it ended.
        value: what was measured; None where nothing was.
        verdict: pass, fail or unknown.
        target: what it was held to; None for nothing.
    """

    at: datetime
    value: float | None
    verdict: str
    target: float | None


def available() -> bool:
    """Return whether plots can be drawn: the jobs' image goes without matplotlib."""
    return find_spec("matplotlib") is not None


def over_time(points: Sequence[Point], *, name: str, label: str, unit: str, title: str) -> str:
    """Return a plot of a value over the drills as SVG; empty where nothing was measured.

    Args:
        points: the drills, in any order.
        name: tells this plot from others on the page.
        label: of the values.
        unit: of the values, such as ``s``.
        title: what it shows, for those who don't see it.
    """
    ordered = sorted(points, key=lambda point: point.at)
    if all(point.value is None for point in ordered):
        return ""

    def draw(axes: "Axes") -> None:
        _time_axis(axes, ordered)
        _values(axes, ordered)
        _target(axes, ordered, unit)
        axes.text(
            0,
            1.02,
            f"{label}, {unit}" if unit else label,
            transform=axes.transAxes,
            color=_COLOURS["muted"],
        )

    return _svg(draw, name=name, title=title, height=1.9)


def stacked(copies: Mapping[str, Mapping[str, float]], *, name: str, title: str) -> str:
    """Return a bar a copy with its phases as SVG; empty where nothing took any time.

    Args:
        copies: seconds by copy and phase; a phase ``total`` is left out.
        name: tells this plot from others on the page.
        title: what it shows, for those who don't see it.
    """
    bars = {
        copy: {phase: value for phase, value in phases.items() if phase != "total"}
        for copy, phases in copies.items()
    }
    longest = max((sum(phases.values()) for phases in bars.values()), default=0.0)
    if longest <= 0:
        return ""
    order = list(dict.fromkeys(phase for phases in bars.values() for phase in phases))

    def draw(axes: "Axes") -> None:
        for row, phases in enumerate(bars.values()):
            at = 0.0
            for phase, value in phases.items():
                colour = f"phase-{order.index(phase) % _PHASES + 1}"
                _bar(axes, row, (at, value), colour, phase.replace("_", " "), longest)
                at += value
        axes.set_yticks(range(len(bars)), [_short(copy) for copy in bars])
        axes.set_xlim(0, longest * 1.02)
        axes.set_xlabel("seconds")
        axes.invert_yaxis()

    return _svg(draw, name=name, title=title, height=0.6 + 0.34 * len(bars))


def _bar(
    axes: "Axes", row: int, span: tuple[float, float], colour: str, phase: str, longest: float
) -> None:
    start, width = span
    fill, paper = _COLOURS[colour], _COLOURS["paper"]
    axes.barh(row, width, left=start, height=0.62, color=fill, edgecolor=paper, linewidth=1.0)
    if width / longest >= max(_LEAST_SHARE, 0.009 * len(phase)):
        axes.text(start + width / 2, row, phase, ha="center", va="center", color=paper)


def _short(text: str) -> str:
    return text if len(text) <= 14 else f"{text[:13]}…"  # noqa: PLR2004 - a label's room


def _at(moment: datetime) -> float:
    """Return a time as matplotlib's axes count it: days."""
    from matplotlib.dates import date2num

    return float(date2num(moment))  # type: ignore[no-untyped-call]  # matplotlib's own


def _time_axis(axes: "Axes", points: Sequence[Point]) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    first, last = _at(points[0].at), _at(points[-1].at)
    room = max((last - first) * 0.03, 0.5 if first == last else 0.0)  # days
    axes.set_xlim(first - room, last + room)
    locator = AutoDateLocator(minticks=2, maxticks=7)  # type: ignore[no-untyped-call]  # as above
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # as above


def _values(axes: "Axes", points: Sequence[Point]) -> None:
    line = [(_at(point.at), point.value) for point in points if point.value is not None]
    small = 3.0 if len(points) > 60 else 5.0  # noqa: PLR2004 - points begin to touch
    axes.plot(
        [at for at, _ in line], [value for _, value in line], color=_COLOURS["line"], linewidth=1.1
    )
    for verdict, marker in _MARKERS.items():
        matching = [point for point in points if point.verdict == verdict]
        axes.plot(
            [_at(point.at) for point in matching],
            [point.value or 0.0 for point in matching],
            linestyle="none",
            marker=marker,
            markersize=small,
            color=_COLOURS[verdict],
            clip_on=False,
            zorder=3,
        )
    highest = max((value for _, value in line), default=0.0) or 1.0
    axes.set_ylim(0, highest * _HEADROOM)


def _target(axes: "Axes", points: Sequence[Point], unit: str) -> None:
    targets = [(_at(point.at), point.target) for point in points if point.target is not None]
    if not targets:
        return
    now, top = targets[-1][1], axes.get_ylim()[1]
    words = f"target {now:g} {unit}"
    if now > top / _HEADROOM * _ABOVE:
        words = f"{words}, above this plot"
    else:
        levels = [target for _, target in targets]
        axes.set_ylim(0, max(top, max(levels) * 1.1 if max(levels) < top * _ABOVE else now * 1.1))
        left, right = axes.get_xlim()
        axes.step(
            [left, *(at for at, _ in targets[1:]), right],
            [*levels, levels[-1]],
            where="post",
            color=_COLOURS["accent"],
            linestyle=(0, (5, 3)),
        )
    axes.text(1, 1.02, words, transform=axes.transAxes, ha="right", color=_COLOURS["accent"])


def _svg(draw: "Callable[[Axes], None]", *, name: str, title: str, height: float) -> str:
    # a folder for its font cache that can't be written is no news to whoever reads a drill's log
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: Any = {  # matplotlib types each key
        "text.parse_math": False,
        "svg.hashsalt": f"ai-square-db {name}",
        "svg.fonttype": "none",
        "font.size": _SIZE,
        "text.color": _COLOURS["ink"],
        "axes.labelcolor": _COLOURS["muted"],
        "axes.edgecolor": _COLOURS["line"],
        "xtick.color": _COLOURS["line"],
        "ytick.color": _COLOURS["line"],
        "xtick.labelcolor": _COLOURS["muted"],
        "ytick.labelcolor": _COLOURS["muted"],
        "timezone": "UTC",
    }
    with mpl.rc_context(settings):
        figure = Figure(figsize=(7.2, height), layout="constrained", facecolor="none")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot(facecolor="none")
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        return _inline(figure, name, title)


def _inline(figure: "Figure", name: str, title: str) -> str:
    """Return a figure as an element of a page: no prologue, ids of its own, the page's colours."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font: \1 system-ui, sans-serif", text)
    for variable, colour in _COLOURS.items():
        text = text.replace(colour, f"var(--{variable})")
    box = re.search(r'viewBox="[^"]*"', text)
    assert box is not None  # noqa: S101 - matplotlib always writes one
    opening = (
        f'<svg {box[0]} role="img" aria-labelledby="{name}-title" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{name}-title">{escape(title)}</title>'
    )
    return opening + text[text.index(">") + 1 :].strip()
