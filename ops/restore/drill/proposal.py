"""What a drill would do: shown by a dry run, which touches nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ops import durations
from ops.checks.result import State, worst
from ops.console import Table
from ops.restore.copies import CopyPlan
from ops.restore.drill.plan import DrillPlan
from ops.restore.drill.report import Settled


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a drill would restore, and at what cost.

    Attributes:
        source: whose backups.
        plan: what would be made; the next drill's names differ in their time and digits.
        settled: what was decided.
    """

    source: str
    plan: DrillPlan
    settled: Settled

    @property
    def state(self) -> State:
        """Return what looking at the backups found already."""
        return worst(check.state for check in self.plan.checks)

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        rows = tuple(map(_row, self.plan.copies))
        table = Table(
            f"A restore drill of {self.source} would make", ("what", "as of", "into"), rows
        )
        return (*self.plan.notes, *([table] if rows else []), *self._lines())

    def _lines(self) -> Iterator[str]:
        for check in self.plan.checks:
            if check.state is not State.OK:
                yield f"{check.check.replace('_', ' ')}: {check.detail}. {check.remedy}"
        yield from self.settled.lines()
        limit = durations.words(self.settled.time_limit_s)
        yield f"At most {self.settled.side_by_side} at once, stopped after {limit}"
        yield "A dry run: nothing was made, and nothing written."

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "dry_run": True,
            "source": self.source,
            "copies": [
                {
                    "kind": copy.kind,
                    "instance": copy.name,
                    "backup": "" if copy.backup is None else copy.backup.id,
                }
                for copy in self.plan.copies
            ],
            "checks": self.plan.checks,
            "notes": self.plan.notes,
            "seed": self.settled.seed,
            "drawn_from": self.settled.drawn_from,
            "cost": self.settled.cost,
            "time_limit_s": self.settled.time_limit_s,
            "side_by_side": self.settled.side_by_side,
        }


def _row(copy: CopyPlan) -> tuple[str, str, str]:
    run = copy.backup
    if run is None:
        return ("point-in-time clone", "the moment of the drill", copy.name)
    moment = run.started or run.ended
    return (
        f"backup {run.id} ({run.type})",
        "unknown" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        copy.name,
    )
