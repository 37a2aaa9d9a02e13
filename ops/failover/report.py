"""What a failover drill says: a verdict, the figures, and everything that they rest on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ops.checks.report import explain, table
from ops.checks.result import Checked, CheckResult, State, verdict, worst
from ops.console import Table
from ops.failover.application import Writer
from ops.failover.leg import BACK, Leg
from ops.measures import COMMITS_LOST, RECONNECT, WRITE_GAP, Measure, number

BEFORE, DRILL = "before", "drill"


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one drill.

    Attributes:
        run: the drill's name.
        stack, source: which instance was failed over.
        started, ended: of the drill.
        checks: everything that was looked at.
        legs: the failover, and the failback where that was asked for.
        settled: what became of earlier drills that did not end, a line a drill.
        leftovers: what could not be removed.
        evidence: where the evidence lies.
        writer: as whom it wrote, and for whom that speaks; None where that was not looked at.
        targets: what the drill is held to, by measure and in its unit.
    """

    run: str
    stack: str
    source: str
    started: datetime
    ended: datetime
    checks: tuple[Checked, ...]
    legs: tuple[Leg, ...]
    settled: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    evidence: str = ""
    writer: Writer | None = None
    targets: Mapping[str, float] = field(default_factory=dict)

    @property
    def measures(self) -> Mapping[str, Measure]:
        """Return what the failover measured, and the target of each, by name."""
        leg = next((leg for leg in self.legs if leg.name == "failover"), None)
        facts = {} if leg is None else leg.document()
        return {
            name: Measure(number(facts.get(key)), unit, self.targets.get(name))
            for name, key, unit in _MEASURED
        }

    @property
    def state(self) -> State:
        """Return the worst state of all checks."""
        return worst(checked.result.state for checked in self.checks)

    @property
    def verdict(self) -> str:
        """Return pass, fail or unknown."""
        return verdict(self.state)

    def document(self) -> dict[str, object]:
        """Return what machines read: also the evidence's content."""
        legs = {leg.name: leg.document() for leg in self.legs}
        first = legs.get("failover", dict.fromkeys(("gap_ms", "lost", "reconnect_ms", "timeline")))
        return {
            "verdict": self.verdict,
            "run": self.run,
            "stack": self.stack,
            "source": self.source,
            "started": self.started,
            "ended": self.ended,
            "checks": self.checks,
            "measures": self.measures,
            **first,
            "failback": legs.get(BACK),
            "writer": self.writer,
            "settled": self.settled,
            "evidence": self.evidence,
            "leftovers": self.leftovers,
        }

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read: a line a check, the figures, what is wrong, the verdict."""
        title = f"Failover drill {self.run} of {self.source}"
        tables = [table(title, self._listed())]
        figures = self.figures()
        if figures.rows:
            tables.append(figures)
        settled = [f"From before: {line}" for line in self.settled]
        return [
            *settled,
            *tables,
            *explain(self.checks),
            self.summary(),
            f"Evidence: {self.evidence}",
        ]

    def _listed(self) -> Iterator[Checked]:
        """Yield the checks; those that were well before the failover are one."""
        well = [each for each in self.checks if each.copy == BEFORE and each.result.state in _WELL]
        if well:
            detail = f"{len(well)} checks have nothing to say"
            yield Checked(BEFORE, CheckResult("ready", State.OK, len(well), len(well), detail))
        yield from (checked for checked in self.checks if checked not in well)

    def every_check(self) -> Table:
        """Return all checks one by one."""
        return table("All checks", self.checks)

    def figures(self) -> Table:
        """Return what was measured: a line a figure, a column a failover."""
        documents = [leg.document() for leg in self.legs if leg.outage is not None]
        names = tuple(leg.name for leg in self.legs if leg.outage is not None)
        rows = tuple(
            (label, *(_figure(document, key) for document in documents))
            for label, key in _FIGURES
            if documents
        )
        return Table("Measured", ("", *names), rows)

    def summary(self) -> str:
        """Return the verdict in one line."""
        words = [f"Verdict: {self.verdict}."]
        for leg in self.legs:
            out = leg.outage
            if out is None:
                continue
            lost = "an unknown number" if leg.lost is None else str(leg.lost)
            least = "at least " if out.gap.open else ""
            name = leg.name.capitalize()
            words.append(
                f"{name}: no write for {least}{out.gap.seconds:.3f} s, {lost} of "
                f"{sum(len(log.acknowledged) for log in leg.logs)} acknowledged writes lost."
            )
        if self.writer is not None:
            words.append(self.writer.words)
        if self.leftovers:
            words.append(f"Left behind: {'; '.join(self.leftovers)}.")
        return " ".join(words)


_MEASURED = (
    (WRITE_GAP, "gap_ms", "ms"),
    (COMMITS_LOST, "lost", ""),
    (RECONNECT, "reconnect_ms", "ms"),
)
_WELL = {State.OK, State.NOT_APPLICABLE}
_FIGURES = (
    ("write gap, all clients (ms)", "gap_ms"),
    ("write gap, clients of the pool (ms)", "pool_gap_ms"),
    ("longest gap of one client (ms)", "writer_gaps_ms"),
    ("asked to first write after the gap (ms)", "first_write_ms"),
    ("pool's reconnect (ms)", "reconnect_ms"),
    ("acknowledged writes", "acknowledged"),
    ("lost", "lost"),
    ("in doubt: had come in, had not", "in_doubt"),
    ("errors that clients saw", "errors"),
    ("timeline", "timeline"),
    ("zone", "zone"),
    ("asked to standby available (ms)", "redundant_ms"),
)


def _figure(document: dict[str, object], key: str) -> str:
    """Return one figure as people read it."""
    value = document[key]
    if value is None:
        return "-"
    if not isinstance(value, dict):
        return f"{value:.0f}" if isinstance(value, float) else str(value)
    if key == "writer_gaps_ms":
        return f"{max(value.values(), default=0):.0f}"
    if key == "errors":
        return ", ".join(f"{number} x {name}" for name, number in value.items()) or "none"
    if key == "in_doubt":
        return ", ".join(str(number) for number in value.values())
    before, after = ("-" if figure is None else figure for figure in value.values())
    return f"{before} to {after}"
