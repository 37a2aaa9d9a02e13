"""What drills measure: a value, its unit and its target, by name.

A record, a notification and a page take measures by name and unit, so that a kind of drill with
another measure changes none of them. What earlier versions wrote in fields of their own
(``rto_s``, ``gap_ms``) is read as the same measures, and stays beside them in documents.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of one drill.

    Attributes:
        value: what was measured; None where nothing was.
        unit: ``s``, ``ms``, or empty for a number of things.
        target: the most that the value may be, in the same unit; None where there is no target.
    """

    value: float | None
    unit: str
    target: float | None = None

    @property
    def met(self) -> bool | None:
        """Return whether the target is met; None where there is no value or no target."""
        if self.value is None or self.target is None:
            return None
        return self.value <= self.target

    @property
    def seconds(self) -> float | None:
        """Return a time in seconds; None where nothing was measured, or no time."""
        if self.value is None or self.unit not in _SECONDS:
            return None
        return self.value * _SECONDS[self.unit]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What people read of a measure.

    Attributes:
        label, words: its short name, and what it means.
        digits: how many a table shows after the point.
    """

    label: str
    words: str
    digits: int


RTO, RPO, WRITE_GAP, RECONNECT, COMMITS_LOST = (
    "rto",
    "rpo",
    "write_gap",
    "reconnect",
    "commits_lost",
)
_MEANINGS = {
    RTO: Meaning("RTO", "time to a restored and checked copy", 1),
    RPO: Meaning("RPO", "data lost, in seconds of writing", 3),
    WRITE_GAP: Meaning("Write gap", "time without an accepted write", 0),
    COMMITS_LOST: Meaning("Commits lost", "acknowledged, and gone", 0),
    RECONNECT: Meaning("Reconnect", "until the pool worked again", 0),
}
_SECONDS = {"s": 1.0, "ms": 0.001}
# The field of a drill's document that had a measure before there were measures, its unit, and
# its target's name in the record, in seconds where the measure is a time.
_FIELDS = {
    RTO: ("rto_s", "s", "rto_s"),
    RPO: ("rpo_s", "s", "rpo_s"),
    WRITE_GAP: ("gap_ms", "ms", "gap_s"),
    COMMITS_LOST: ("lost", "", "lost"),
    RECONNECT: ("reconnect_ms", "ms", "reconnect_s"),
}


def meaning(name: str) -> Meaning:
    """Return what people read of a measure; of one that is not known here, its name."""
    return _MEANINGS.get(name) or Meaning(name.replace("_", " ").capitalize(), "", 1)


def sentence(name: str, measure: Measure) -> str:
    """Return a measure in a sentence of a summary: ``RTO 3.1 s.``."""
    amount = f"{measure.value:.{meaning(name).digits}f}" if measure.value is not None else "unknown"
    if name == COMMITS_LOST:
        return f"{amount} commits lost."
    return f"{meaning(name).label} {amount} {measure.unit}".rstrip() + "."


def fields(measures: Mapping[str, Measure]) -> dict[str, float | None]:
    """Return the values under the names that documents had before there were measures."""
    return {
        field: measures[name].value if name in measures else None
        for name, (field, _, _) in _FIELDS.items()
    }


def read(drill: Mapping[str, object], targets: Mapping[str, float]) -> dict[str, Measure]:
    """Return the measures of a drill's document, of an earlier version's too.

    Args:
        drill: the document.
        targets: what the drill was held to, as the record has it.
    """
    written = drill.get("measures")
    if isinstance(written, Mapping):
        listed = {str(name): _measure(value) for name, value in written.items()}
    else:
        listed = {name: _of_field(name, drill, targets) for name in _FIELDS}
    return {
        name: measure
        for name, measure in listed.items()
        if measure.value is not None or measure.target is not None
    }


def number(value: object) -> float | None:
    """Return a finite number; None where the value is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        finite = float(value)
    except OverflowError:
        return None
    return finite if math.isfinite(finite) else None


def _measure(written: object) -> Measure:
    facts = written if isinstance(written, Mapping) else {}
    unit = facts.get("unit")
    return Measure(
        number(facts.get("value")),
        unit if isinstance(unit, str) else "",
        number(facts.get("target")),
    )


def _of_field(name: str, drill: Mapping[str, object], targets: Mapping[str, float]) -> Measure:
    field, unit, target_name = _FIELDS[name]
    value, target = drill.get(field), targets.get(target_name)
    if isinstance(value, Mapping):  # the seconds by phase, with their total
        value = value.get("total")
    if target is not None and unit == "ms":
        target = target * 1000
    return Measure(number(value), unit, target)
