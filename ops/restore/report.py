"""What a drill says: a verdict, and everything that it rests on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ops.console import Table
from ops.restore import questions
from ops.restore.timing import Loss, Phases
from ops.results import CheckResult, State, worst

VERDICTS = {State.OK: "pass", State.FINDING: "fail", State.UNKNOWN: "unknown"}
SHOWN_DIFFERENCES = 8  # of one check, to people; JSON and the evidence have all
DRILL = "drill"


@dataclass(frozen=True, slots=True)
class Checked:
    """A check's result, and of what: ``backup 17``, ``clone``, or the drill itself."""

    copy: str
    result: CheckResult

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        result = self.result
        return {
            "name": f"{self.copy.replace(' ', '_')}.{result.check}",
            "copy": self.copy,
            "check": result.check,
            "state": result.state,
            "examined": result.examined,
            "total": result.total,
            "detail": result.detail,
            "differences": result.differences,
            "evidence": result.evidence,
            "remedy": result.remedy,
        }


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
        leftovers: what could not be cleaned up.
        evidence: where the evidence lies.
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
    leftovers: tuple[str, ...] = ()
    evidence: str = field(default="")

    @property
    def state(self) -> State:
        """Return the worst state of all checks."""
        return worst(checked.result.state for checked in self.checks)

    @property
    def verdict(self) -> str:
        """Return pass, fail or unknown."""
        return VERDICTS[self.state]

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
            "rto_s": self.rto,
            "phases_s": dict(self.phases),
            "rpo_s": None if loss is None else loss.seconds,
            "latest_recovery_time": None if loss is None else loss.latest_recovery_time,
            "injected": self.injected,
            "evidence": self.evidence,
            "leftovers": self.leftovers,
        }

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read: checks, what is wrong with them, times, verdict."""
        blocks: list[Table | str] = [
            Table(
                f"Restore drill {self.run} of {self.source}",
                ("copy", "check", "state", "examined", "detail"),
                tuple(self._rows()),
            )
        ]
        blocks += self._faults()
        if self.phases:
            names = ("copy", *(next(iter(self.phases.values())).document()))
            rows = tuple(
                (copy, *(f"{value:.2f}" for value in phases.document().values()))
                for copy, phases in self.phases.items()
            )
            blocks.append(Table("Seconds by phase", names, rows))
        blocks.append(self.summary())
        return blocks

    def summary(self) -> str:
        """Return the verdict in one line."""
        lost = None if self.loss is None else self.loss.seconds
        words = [f"Verdict: {self.verdict}."]
        if self.rto is not None:
            words.append(f"A verified copy in {self.rto.total:.1f} s (RTO).")
        if lost is not None:
            words.append(f"{lost:.3f} s lost (RPO).")
        if self.leftovers:
            words.append(f"Left behind: {'; '.join(self.leftovers)}.")
        return " ".join([*words, f"Evidence: {self.evidence}"])

    def _rows(self) -> Iterator[tuple[object, ...]]:
        alike = [one for one in self.checks if _folds(one)]
        for checked in self.checks:
            if checked in alike[1:]:
                continue
            result = checked.result
            name, examined, total, detail = (
                result.check,
                result.examined,
                result.total,
                result.detail,
            )
            if alike and checked is alike[0]:
                name = f"schema ({len(alike)} questions)"
                examined = sum(one.result.examined for one in alike)
                total = sum(one.result.total for one in alike)
                detail = f"all {total} objects, roles, grants and settings are as at the marker"
            yield (checked.copy, name, result.state, f"{examined}/{total}", detail)

    def _faults(self) -> Iterator[str]:
        for checked in self.checks:
            result = checked.result
            if result.state in {State.OK, State.NOT_APPLICABLE}:
                continue
            yield f"{checked.copy} {result.check}: {result.detail}"
            shown = result.differences[:SHOWN_DIFFERENCES]
            yield from (f"  - {line}" for line in shown)
            if len(result.differences) > len(shown):
                yield f"  - and {len(result.differences) - len(shown)} more"
            if result.remedy:
                yield f"  {result.remedy}"


def _folds(checked: Checked) -> bool:
    return checked.result.check in questions.EQUAL and checked.result.state is State.OK
