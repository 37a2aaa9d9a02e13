"""What is measured in every drill of a kind, as every report shows it."""

from dataclasses import dataclass

from ops.evidence.history import Entry


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is measured in every drill of a kind.

    Attributes:
        name, words: its short name, and what it means.
        attribute: of an Entry.
        unit: its unit.
        target: the target's name in a record, where it is in seconds.
    """

    name: str
    words: str
    attribute: str
    unit: str
    target: str

    def of(self, entry: Entry) -> float | None:
        """Return what a drill measured."""
        value: float | None = getattr(entry, self.attribute)
        return value

    def target_of(self, entry: Entry) -> float | None:
        """Return what a drill was held to, in our unit."""
        target_s = entry.targets.get(self.target)
        return None if target_s is None else target_s * (1000 if self.unit == "ms" else 1)


MEASURES = (
    Measure("RTO", "time to a restored and checked copy", "rto_s", "s", "rto_s"),
    Measure("RPO", "data lost, in seconds of writing", "rpo_s", "s", "rpo_s"),
    Measure("Write gap", "time without an accepted write", "gap_ms", "ms", "gap_s"),
    Measure("Reconnect", "until the pool worked again", "reconnect_ms", "ms", "reconnect_s"),
    Measure("Commits lost", "acknowledged, and gone", "lost", "", "lost"),
)
