"""What a drill has got so far, and the report of it: of a whole drill and of one cut short."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from ops.checks.result import Checked, CheckResult, Finding, Level, State, finding, unsure
from ops.errors import reason
from ops.lease import LeaseLostError
from ops.restore.copies import CopyPlan, Kind, Made
from ops.restore.drill import timing
from ops.restore.drill.cost import Cost
from ops.restore.drill.plan import DrillPlan
from ops.restore.drill.report import DRILL, Clone, Report, Restored, Settled
from ops.restore.drill.timing import Loss, Phases
from ops.restore.proof.marker import Marker
from ops.restore.proof.verify import Verified
from ops.restore.source import Source

_T = TypeVar("_T")


@dataclass(slots=True)
class CopyCourse:
    """How far one copy has come.

    Attributes:
        plan: what it is to be.
        found: what its verification found so far.
        begun: whether any of it may be there.
        made, verified: done once it answers, and once every check has ended.
    """

    plan: CopyPlan
    found: list[CheckResult] = field(default_factory=list)
    begun: bool = False
    made: "Future[Made]" = field(default_factory=Future)
    verified: "Future[Verified]" = field(default_factory=Future)


@dataclass(slots=True)
class Course:
    """How far a drill has come.

    Attributes:
        source: what is drilled.
        run: the drill's name.
        started: when it began.
        injected: the fault that is put in on purpose, else empty.
        swept: what was cleaned up of earlier drills, a line a drill.
        plan: what is to be restored, once that was chosen.
        copies: in the plan's order.
        marker: once it was set.
        latest_recovery_time: what the API called the newest time it could recover to.
        leftovers: what could not be removed, of earlier drills too.
        tidy: whether nothing of this drill is left.
        removed: whether the clean-up went to its end.
        cost: what the copies cost at most, once that was reckoned.
        time_limit_s, side_by_side: what it was held to.
        versions: of what took part, as they became known.
        other_databases: of the source, which no check looks at.
        asked: when it looked at the backups, by the clock that their times are told by.
    """

    source: Source
    run: str
    started: datetime
    injected: str = ""
    swept: tuple[str, ...] = ()
    plan: DrillPlan | None = None
    copies: tuple[CopyCourse, ...] = ()
    marker: Marker | None = None
    latest_recovery_time: datetime | None = None
    leftovers: tuple[str, ...] = ()
    tidy: bool = True
    removed: bool = True
    cost: Cost | None = None
    time_limit_s: float = 0.0
    side_by_side: int = 0
    other_databases: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    asked: datetime | None = None

    @property
    def plans(self) -> tuple[CopyPlan, ...]:
        """Return what the copies are to be."""
        return tuple(copy.plan for copy in self.copies)

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the labels for the instances that take labels."""
        return {} if self.plan is None else self.plan.labels

    def choose(self, plan: DrillPlan) -> None:
        """Take what is to be restored."""
        self.plan, self.copies = plan, tuple(CopyCourse(copy_plan) for copy_plan in plan.copies)


def report(course: Course, evidence: str, error: BaseException | None = None) -> Report:
    """Return what came out.

    Args:
        course: how far the drill came.
        evidence: where the evidence is going to lie.
        error: what cut the drill short, if anything did.
    """
    source, labels = course.source, _labels(course)
    restored = {copy.plan.name: _result(copy.made) for copy in course.copies}
    verified = {copy.plan.name: _result(copy.verified) for copy in course.copies}
    phases: dict[str, Phases] = {}
    complete: list[Phases] = []
    for name, copy in restored.items():
        ended = verified[name]
        if copy is not None and copy.operations:
            phases[labels[name]] = timing.phases(copy, 0.0 if ended is None else ended.seconds)
            if ended is not None and ended.seconds and not copy.failure:
                complete.append(phases[labels[name]])
    slowest = max(complete, key=lambda phase: phase.total, default=None)
    loss = _loss(course)
    results = [timing.rto(slowest, source.rto_target_s), timing.rpo(loss, source.rpo_target_s)]
    checks = [
        Checked(DRILL, check) for check in (() if course.plan is None else course.plan.checks)
    ]
    for copy_course in course.copies:
        checks += [
            Checked(labels[copy_course.plan.name], result) for result in tuple(copy_course.found)
        ]
    if isinstance(error, LeaseLostError):
        checks = [unsure(check) if check.copy != DRILL else check for check in checks]
        checks.append(Checked(DRILL, _cut_short(error)))
    elif error is not None:  # what was not got to can't be held against a target
        checks += [Checked(DRILL, result) for result in results if result.state is State.FINDING]
        checks.append(Checked(DRILL, _cut_short(error)))
    elif course.copies:
        checks += [Checked(DRILL, result) for result in results]
        checks.append(
            Checked(DRILL, CheckResult("completed", State.OK, 1, 1, "it ended by itself"))
        )
    checks.append(Checked(DRILL, _cleaned(course, sum(copy.begun for copy in course.copies))))
    return Report(
        run=course.run,
        stack=source.stack,
        source=source.instance,
        started=course.started,
        ended=datetime.now(UTC),
        backups=tuple(_backups(course)),
        clone=_clone(course),
        checks=tuple(checks),
        phases=phases,
        rto=slowest,
        loss=loss,
        injected=course.injected,
        swept=course.swept,
        leftovers=course.leftovers,
        evidence=evidence,
        settled=settled(course),
        database=source.database.name,
        other_databases=course.other_databases,
        notes=(*(() if course.plan is None else course.plan.notes), *_notes(restored.values())),
    )


def settled(course: Course) -> Settled:
    """Return what was decided before anything was made."""
    plan = course.plan
    return Settled(
        seed=None if plan is None else plan.seed,
        drawn_from=0 if plan is None else plan.drawn_from,
        cost=course.cost,
        time_limit_s=course.time_limit_s,
        side_by_side=course.side_by_side,
    )


def _notes(copies: Iterable[Made | None]) -> Iterator[str]:
    """Yield what had to be changed on the copies, once each."""
    lines = dict.fromkeys(copy.note for copy in copies if copy is not None and copy.note)
    return (f"{line[0].upper()}{line[1:]}" for line in lines)


def _result(job: "Future[_T]") -> _T | None:
    """Return what a thread gave; None where it did not end, or ended by an error."""
    if not job.done() or job.exception() is not None:
        return None
    return job.result()


def _labels(course: Course) -> dict[str, str]:
    """Return what people call each copy: ``backup``, ``backup 2``, ``clone``."""
    return {
        copy.plan.name: copy.plan.kind.value
        if number == 1 or copy.plan.kind is Kind.CLONE
        else f"backup {number}"
        for number, copy in enumerate(course.copies, start=1)
    }


def _backups(course: Course) -> Iterator[Restored]:
    for copy in course.copies:
        run = copy.plan.backup
        if run is not None:
            yield Restored(
                run.id, run.type, run.description, run.started, run.ended, copy.plan.name
            )


def _clone(course: Course) -> Clone | None:
    names = [copy.plan.name for copy in course.copies if copy.plan.kind is Kind.CLONE]
    marker = course.marker
    if marker is None or not names:
        return None
    method = "exact" if marker.exact else "sandwich"
    return Clone(names[0], marker.point_in_time, method, marker.tries)


def _loss(course: Course) -> Loss | None:
    clones = [_result(copy.verified) for copy in course.copies if copy.plan.kind is Kind.CLONE]
    if not clones:
        return _loss_of_backups(course)
    clone = clones[0]
    if course.marker is None or clone is None:
        return None
    return Loss(course.marker.point_in_time, clone.newest, course.latest_recovery_time)


def _loss_of_backups(course: Course) -> Loss | None:
    """Return what would be lost where there is no point-in-time recovery."""
    newest = course.plans[0].backup if course.plans else None
    if newest is None:
        return None
    failed_at = course.asked or course.started
    return Loss(failed_at, newest.started or newest.ended, None, backup=newest.id)


def _cut_short(error: BaseException) -> CheckResult:
    words = f"the drill did not end by itself: {reason(error)}"
    remedy = "What was not got to is not proven. Drill again."
    return CheckResult("completed", State.UNKNOWN, 0, 1, words, remedy=remedy)


def _cleaned(course: Course, total: int) -> CheckResult:
    left = course.leftovers
    remedy = f"Run `invoke restore.sweep -s {course.source.stack}`; each of them costs money."
    if not course.removed:
        words = "the clean-up was cut short: copies may be left"
        return CheckResult(
            "cleanup", State.UNKNOWN, 0, total, words, _left(left, Level.UNKNOWN), remedy=remedy
        )
    if left:
        words = f"{len(left)} instances could not be removed"
        return CheckResult(
            "cleanup", State.FINDING, total, total, words, _left(left), remedy=remedy
        )
    words = f"{total} copies removed, nothing left" if total else "no copy was begun, nothing left"
    return CheckResult("cleanup", State.OK, total, total, words)


def _left(leftovers: Iterable[str], level: Level = Level.FINDING) -> tuple[Finding, ...]:
    return tuple(finding("instance", line, level=level) for line in leftovers)
