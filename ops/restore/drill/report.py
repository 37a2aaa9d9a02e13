"""What a drill says: a verdict, and everything that it rests on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ops.checks.report import explain, label
from ops.checks.result import Checked, CheckResult, Counts, Level, State, count, verdict, worst
from ops.console import Table, wrap
from ops.evidence import uncompared
from ops.evidence.uncompared import NOT_COMPARED
from ops.measures import RPO, RTO, Measure
from ops.restore.drill.cost import Cost
from ops.restore.drill.timing import Loss, Phases
from ops.restore.proof.copychecks import STATEMENTS
from ops.schema import definitions

DRILL = "drill"


@dataclass(frozen=True, slots=True)
class Restored:
    """One backup run that was restored."""

    id: str
    type: str
    description: str
    started: datetime | None
    ended: datetime | None
    instance: str


@dataclass(frozen=True, slots=True)
class Clone:
    """The point-in-time clone: how the marker was set, and where it was cloned to."""

    instance: str
    point_in_time: datetime
    method: str
    tries: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What was decided before anything was made.

    Attributes:
        seed: what drew the older backup; None where none was drawn.
        drawn_from: how many older ones there were.
        cost: what the copies cost at most; None where that was not reckoned.
        time_limit_s: when the drill would have been stopped, in seconds.
        side_by_side: how many copies there were at once.
    """

    seed: int | None = None
    drawn_from: int = 0
    cost: Cost | None = None
    time_limit_s: float = 0.0
    side_by_side: int = 0

    def lines(self) -> Iterator[str]:
        """Yield what people want to know of it."""
        if self.seed is not None:
            yield f"The older backup is one of {self.drawn_from}, drawn by --seed {self.seed}"
        if self.cost is not None:
            yield self.cost.words()


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one drill.

    Attributes:
        run: the drill's name.
        stack, source: whose backups were drilled.
        started, ended: of the drill, clean-up included.
        backups: the backup runs that were restored.
        clone: the point-in-time clone, unless it was not got to.
        checks: everything that was looked at.
        phases: the seconds of every copy, by phase.
        rto: the slowest copy's.
        loss: what the clone lost.
        injected: the fault that was put in on purpose, else empty.
        swept: what was cleaned up of earlier drills first, a line a drill.
        leftovers: what could not be cleaned up.
        evidence: where the evidence lies.
        settled: what was decided before anything was made.
        notes: what else there is to know: runs passed over, what was changed on a copy.
        database: the application's, which was checked.
        other_databases: of the instance, which nobody looked at.
        targets: what the drill is held to, in seconds by measure.
    """

    run: str
    stack: str
    source: str
    started: datetime
    ended: datetime
    backups: tuple[Restored, ...]
    clone: Clone | None
    checks: tuple[Checked, ...]
    phases: Mapping[str, Phases]
    rto: Phases | None
    loss: Loss | None
    injected: str = ""
    swept: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    evidence: str = field(default="")
    settled: Settled = field(default_factory=Settled)
    notes: tuple[str, ...] = ()
    database: str = ""
    other_databases: tuple[str, ...] = ()
    targets: Mapping[str, float] = field(default_factory=dict)

    @property
    def measures(self) -> Mapping[str, Measure]:
        """Return what was measured, and the target of each, by name."""
        rto = None if self.rto is None else self.rto.total
        rpo = None if self.loss is None else self.loss.seconds
        return {
            name: Measure(value, "s", self.targets.get(name))
            for name, value in ((RTO, rto), (RPO, rpo))
        }

    @property
    def state(self) -> State:
        """Return the worst state of all checks."""
        return worst(checked.result.state for checked in self.checks)

    @property
    def verdict(self) -> str:
        """Return pass, fail or unknown."""
        return verdict(self.state)

    @property
    def counts(self) -> Counts:
        """Return how many checks came out how."""
        return count(checked.result.state for checked in self.checks)

    @property
    def not_compared(self) -> tuple[str, ...]:
        """Return what of the copies was compared with nothing."""
        others = uncompared.of_databases(self.other_databases, self.database)
        return (*uncompared.of_backups([backup.id for backup in self.backups]), *others)

    def document(self) -> dict[str, object]:
        """Return what machines read: also the evidence's content."""
        loss = self.loss
        return {
            "verdict": self.verdict,
            "run": self.run,
            "stack": self.stack,
            "source": self.source,
            "started": self.started,
            "ended": self.ended,
            "backups": self.backups,
            "clone": self.clone,
            "checks": self.checks,
            "measures": self.measures,
            "rto_s": self.rto,
            "phases_s": dict(self.phases),
            "rpo_s": None if loss is None else loss.seconds,
            "latest_recovery_time": None if loss is None else loss.latest_recovery_time,
            "seed": self.settled.seed,
            "cost": self.settled.cost,
            "plan": {
                "drawn_from": self.settled.drawn_from,
                "time_limit_s": self.settled.time_limit_s,
                "side_by_side": self.settled.side_by_side,
            },
            "notes": self.notes,
            "injected": self.injected,
            "counts": self.counts,
            NOT_COMPARED: self.not_compared,
            "swept": self.swept,
            "evidence": self.evidence,
            "leftovers": self.leftovers,
        }

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read: a line a check, what is wrong, times, verdict."""
        title = f"Restore drill {self.run} of {self.source}"
        table = Table(title, ("check", *self._copies()), tuple(self._rows()))
        evidence = f"Evidence: {self.evidence}"
        before = [f"Cleaned up first: {line}" for line in self.swept]
        before += [*self.notes, *self.settled.lines()]
        if self.injected:
            before.append(f"Put in on purpose: {self.injected}")
        tables = [table] if table.rows else []
        after = [*explain(self.checks), *self._times(), self.summary()]
        return [*map(wrap, before), *tables, *map(wrap, after), evidence]

    def _copies(self) -> tuple[str, ...]:
        """Return the copies that were checked, in order."""
        return tuple(dict.fromkeys(check.copy for check in self.checks if check.copy != DRILL))

    def _rows(self) -> Iterator[tuple[str, ...]]:
        """Yield a row a check with a cell a copy; some are one row together."""
        cells: dict[str, dict[str, list[CheckResult]]] = {}
        for check in self.checks:
            if check.copy != DRILL:
                name = _ROWS.get(check.result.check, check.result.check)
                cells.setdefault(label(name), {}).setdefault(check.copy, []).append(check.result)
        for name, by_copy in sorted(cells.items(), key=lambda item: _order(item[0])):
            yield (name, *(_cell(by_copy.get(copy, [])) for copy in self._copies()))

    def _times(self) -> Iterator[str]:
        for copy, phases in self.phases.items():
            parts = [
                f"{name.replace('_', ' ')} {value:.1f}" for name, value in phases.by_name().items()
            ]
            yield f"Seconds, {copy}: {', '.join(parts)}"
        if self.clone is not None:
            when = f"{self.clone.point_in_time:%H:%M:%S.%f}"[:-3]
            compared = (
                check.result.detail
                for check in self.checks
                if check.result.check == "content" and check.result.state is State.OK
            )
            yield f"Clone to {when} UTC: {next(compared, 'not proven')}"

    def summary(self) -> str:
        """Return the verdict in one line."""
        lost = None if self.loss is None else self.loss.seconds
        words = [f"Verdict: {self.verdict}."]
        if self.rto is not None:
            name = " (RTO)" if self.state is State.OK else ""
            words.append(f"A copy was restored and checked in {self.rto.total:.1f} s{name}.")
        if lost is not None:
            words.append(f"{lost:.3f} s lost (RPO).")
        words.append(f"Checks: {self.counts.words()}.")
        if self.not_compared:
            words.append(uncompared.sentence(self.not_compared))
        if self.leftovers:
            words.append(f"Left behind: {'; '.join(self.leftovers)}.")
        return " ".join(words)


# Checks that are one row for people; what is wrong in them is told below it one by one.
_ROWS = {
    **dict.fromkeys((*definitions.EQUAL, "catalogs", "objects"), "schema"),
    **dict.fromkeys(("smoke", "rules"), "product rules"),
    "sequence_reach": "sequences",
    **dict.fromkeys((check.name for check in STATEMENTS), "keys and indexes"),
}
_ORDER = (
    "restored",
    "connect",
    "application",
    "heartbeat",
    "migrations",
    "schema",
    "sequences",
    "counts",
    "content",
    "orphans",
    "product rules",
    "amcheck",
)


def _order(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _cell(results: Sequence[CheckResult]) -> str:
    """Return a state and its count: what is ok, what differs, or what could not be told."""
    if not results:
        return "-"
    if all(result.state is State.NOT_APPLICABLE for result in results):
        return State.NOT_APPLICABLE.value
    examined, total = (
        sum(result.examined for result in results),
        sum(result.total for result in results),
    )
    state = worst(result.state for result in results)
    if state is State.OK:
        return f"{state.value} {examined}/{total}" if total > 1 else state.value
    count = (
        sum(len(result.at(Level.FINDING)) for result in results)
        if state is State.FINDING
        else total - examined
    )
    return f"{state.value} {count} of {total}" if total > 1 and count else state.value
