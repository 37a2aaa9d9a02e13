"""What the rounds came to."""

from collections.abc import Iterable
from dataclasses import dataclass, field

TARGETS = ("server", "cluster", "both")
_TITLES = (
    "operation", "rounds", *TARGETS, "carried out", "lost", "leaks", "wrong",
    "worst pause", "worst whole",
)  # fmt: skip
_TABLE = "{:<10} {:>6} {:>6} {:>7} {:>4} {:>11} {:>4} {:>5} {:>5} {:>11} {:>11}"


@dataclass(slots=True)
class Round:
    """One round.

    Attributes:
        kind: The operation.
        target: What was killed: ``server``, ``cluster`` or ``both``.
        delay_s: When, after the operation began.
        outcome: ``carried out`` or ``taken back``.
        pause_s: The longest time without an acknowledged commit of any writer.
        whole_s: From the kill until everything was as before, redundancy included.
        lost: Acknowledged commits that are gone.
        leaks: What should not be there.
        findings: What else is wrong.
    """

    kind: str
    target: str = "nothing"
    delay_s: float = 0.0
    outcome: str = "unfinished"
    pause_s: float = 0.0
    whole_s: float = 0.0
    lost: int = 0
    leaks: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the line of progress."""
        line = (
            f"{self.kind:<10} killed {self.target:<7} at {self.delay_s:5.2f} s  {self.outcome:<11}"
            f"  writes paused {self.pause_s:5.2f} s  whole after {self.whole_s:6.2f} s"
        )
        wrong = [*self.findings, *self.leaks]
        if self.lost:
            wrong.append(f"{self.lost} acknowledged commits lost")
        return "\n".join((line, *(f"     WRONG: {one}" for one in wrong)))


class Tally:
    """The rounds so far."""

    def __init__(self) -> None:
        self._rounds: list[Round] = []

    def add(self, one: Round) -> None:
        """Count a round."""
        self._rounds.append(one)

    @property
    def wrong(self) -> bool:
        """Whether anything was wrong in any round."""
        return any(one.lost or one.leaks or one.findings for one in self._rounds)

    def table(self) -> str:
        """Return the figures, a line a kind and one for all."""
        kinds = sorted({one.kind for one in self._rounds})
        rows = [_row(kind, [one for one in self._rounds if one.kind == kind]) for kind in kinds]
        return "\n".join(_TABLE.format(*row) for row in (_TITLES, *rows, _row("all", self._rounds)))


def _row(name: str, rounds: list[Round]) -> tuple[str, ...]:
    return (
        name,
        str(len(rounds)),
        *(str(_count(one.target == target for one in rounds)) for target in TARGETS),
        str(_count(one.outcome == "carried out" for one in rounds)),
        str(sum(one.lost for one in rounds)),
        str(sum(len(one.leaks) for one in rounds)),
        str(sum(len(one.findings) for one in rounds)),
        f"{max((one.pause_s for one in rounds), default=0):.2f} s",
        f"{max((one.whole_s for one in rounds), default=0):.2f} s",
    )


def _count(found: Iterable[bool]) -> int:
    return sum(found)
