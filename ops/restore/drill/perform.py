"""The restore drill: restore, clone, compare, time, clean up, tell.

Three things go side by side: the restore of the backup, the clone to the marker, and the
reading of the baseline. A copy is verified as soon as it answers. A drill that is cut short
leaves evidence too: what it found until then, and why it did not end.
"""

from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from ops import lease
from ops.cloudsql import ApiError
from ops.console import Phase, Progress
from ops.errors import BadInputError
from ops.evidence import key, write
from ops.invocation import Invocation
from ops.journal import Journal
from ops.restore import cleanup, copies
from ops.restore.copies import CopyPlan, Kind, Made
from ops.restore.crew import Crew
from ops.restore.drill import evidence, hook, plan
from ops.restore.drill.course import Course, reason, report
from ops.restore.drill.report import Report
from ops.restore.drill.sweep import sweep_held
from ops.restore.faults import inject
from ops.restore.faults.inject import Fault
from ops.restore.proof import baseline, verify
from ops.restore.proof.baseline import Baseline
from ops.restore.proof.marker import TRIES, Marker, require_table
from ops.restore.proof.verify import Verified
from ops.restore.source import ROOM, Source, of
from ops.results import CheckResult

__all__ = ["Options", "Report", "drill", "options", "perform"]


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller of a drill may choose.

    Attributes:
        backup: the backup run to restore; empty takes the newest successful one.
        seed: restore an older run too, drawn from this seed; None does not.
        inject: the fault to put in on purpose; empty puts in none.
        before_verify: a shell command to run against every copy before it is verified.
        exact_tries: how often to look for a moment in which nobody writes to the source.
    """

    backup: str = ""
    seed: int | None = None
    inject: str = ""
    before_verify: str = ""
    exact_tries: int = TRIES


class BadSeedError(BadInputError):
    """``--seed`` is no number."""

    def __init__(self, given: str) -> None:
        super().__init__(f"--seed is {given!r}. Give a whole number, such as 7.")


def options(backup: str, seed: str, fault: str, before_verify: str) -> Options:
    """Return the options of a command line; raises BadSeedError."""
    try:
        number = int(seed) if seed else None
    except ValueError:
        raise BadSeedError(seed) from None
    return Options(backup, number, fault, before_verify)


def drill(run: Invocation, options: Options = Options()) -> Report:
    """Drill the backups of a stack's instance: see ``perform``."""
    return perform(of(run.target), options, run.progress)


def perform(source: Source, options: Options, progress: Progress) -> Report:
    """Restore a source's backup and clone it to a marker, prove both, and remove them.

    Whatever happens, interrupts included, the copies are removed and evidence is left; a
    drill that was killed is cleaned up, and named, by the next one or by ``sweep``.

    Raises:
        ops.restore.inject.UnknownFaultError: ``inject`` names no fault.
        ops.restore.plan.UnknownBackupError: ``backup`` is not there or was not successful.
        ops.restore.marker.NoHeartbeatTableError: the source lacks the drill's table.
        ops.lease.LeaseHeldError: another drill is under way.
    """
    fault = inject.named(options.inject, source)
    with lease.hold(source.store, ROOM, source.lease):
        return _held(source, options, fault, progress)


def _held(source: Source, options: Options, fault: Fault | None, progress: Progress) -> Report:
    started = datetime.now(UTC)
    course = Course(source, plan.run_name(started), started, options.inject)
    try:
        _run(course, options, fault, progress)
    except BadInputError:  # nothing was begun
        raise
    except BaseException as error:
        _keep(course, error, progress)
        raise
    told = report(course, source.store.where(key(ROOM, course.run)))
    write(source.store, evidence.of(source, told, course.versions))
    return told


def _keep(course: Course, error: BaseException, progress: Progress) -> None:
    """Write the evidence of a drill that is cut short; its error stays the one that is told."""
    store = course.source.store
    try:
        told = report(course, store.where(key(ROOM, course.run)), error)
        write(store, evidence.of(course.source, told, course.versions))
        progress.line(f"{told.summary()} Evidence: {told.evidence}")
    except Exception as second:  # noqa: BLE001 - whatever it is, it must not hide the first error
        with suppress(Exception):
            progress.line(f"No evidence of this drill could be written: {reason(second)}")


def _run(course: Course, options: Options, fault: Fault | None, progress: Progress) -> None:
    source = course.source
    with progress.phase("Choose a backup, sweep what earlier drills left"):
        instance = source.cloud.instance(source.instance)
        course.versions["database"] = instance.database_version
        course.versions["postgresql"] = require_table(source)
        swept = sweep_held(source, course.started)
        course.swept, course.leftovers = swept.lines(), swept.leftovers
        chosen = plan.plan(
            source.instance,
            source.cloud.project,
            source.cloud.backup_runs(source.instance),
            run=course.run,
            now=course.started,
            backup=options.backup,
            seed=options.seed,
        )
        course.choose(chosen)
    if not chosen.copies:
        return
    journal, crew = Journal(source.store, ROOM, chosen.run), Crew()
    earlier = course.leftovers
    try:
        _Work(source, options, fault, course, journal, crew, progress).do()
    finally:
        made = tuple(f"{one.name}: perhaps not removed" for one in chosen.copies)
        course.removed, course.leftovers = False, (*earlier, *made)
        left = cleanup.always(source, crew, journal, progress)
        course.removed, course.leftovers = True, (*earlier, *left)


@dataclass(frozen=True, slots=True)
class _Work:
    source: Source
    options: Options
    fault: Fault | None
    course: Course
    journal: Journal
    crew: Crew
    progress: Progress

    def do(self) -> None:
        """Start everything that can go side by side, and wait for it phase by phase."""
        crew, source, course = self.crew, self.source, self.course
        backups = [one for one in course.copies if one.plan.kind is Kind.BACKUP]
        (clone,) = (one for one in course.copies if one.plan.kind is Kind.CLONE)
        restores = []
        for one in backups:
            one.made = crew.start(one.plan.name, _Making(self, one.plan))
            restores.append(one.made)
        if self.fault is not None and self.fault.archive is not None:
            self.fault.archive(source, self.journal)
        with self.progress.phase("Set the marker on the source"):
            marked: Future[Marker] = Future()
            tries = self.options.exact_tries
            base = crew.start(
                "baseline", lambda: baseline.take(crew, source, course.run, marked, tries)
            )
            (course.marker,) = crew.wait([marked])
        moment = course.marker.point_in_time
        course.latest_recovery_time = self._latest_recovery_time()
        cloned = crew.start(
            clone.plan.name,
            lambda: copies.clone(crew, source, self.journal, clone.plan, moment),
        )
        clone.made = cloned
        numbers = ", ".join(one.plan.backup.id for one in backups if one.plan.backup)
        title = f"Restore backup {numbers}, and clone to {moment:%H:%M:%S.%f}"[:-3]
        steps = sum(verify.STEPS[one.kind] for one in course.plans)
        verifying = f"Verify {len(course.copies)} copies"
        # Verification of the first copy begins while the other is still made.
        bar = _Steps()
        verified = []
        for one, made in zip((*backups, clone), (*restores, cloned), strict=True):
            one.verified = crew.start("verify", _Verifying(self, made, base, one.found, bar))
            verified.append(one.verified)
        with self.progress.phase(title, total=len(course.copies)) as phase:
            crew.wait([*restores, cloned], each=phase.advance)
        with self.progress.phase(verifying, total=steps) as phase:
            bar.show(phase)
            crew.wait(verified)

    def _latest_recovery_time(self) -> datetime | None:
        try:
            return self.source.cloud.latest_recovery_time(self.source.instance)
        except ApiError:
            return None  # shown beside the RPO; the clone itself says what is wrong


@dataclass(frozen=True, slots=True)
class _Making:
    work: _Work
    plan: CopyPlan

    def __call__(self) -> Made:
        work = self.work
        labels = work.course.labels
        return copies.restore(work.crew, work.source, work.journal, self.plan, labels)


@dataclass(frozen=True, slots=True)
class _Verifying:
    work: _Work
    made: "Future[Made]"
    base: "Future[Baseline]"
    found: list[CheckResult]
    bar: "_Steps"

    def __call__(self) -> Verified:
        work, made = self.work, self.made.result()
        crew, source = work.crew, work.source
        is_clone = made.plan.kind is Kind.CLONE
        if not made.failure:
            if is_clone and work.fault is not None and work.fault.copy is not None:
                work.fault.copy(crew, source, made)
            if work.options.before_verify:
                hook.before_verify(source, made, work.options.before_verify)
        if is_clone:
            return verify.clone(crew, source, made, self.base, self.found, self.bar.advance)
        return verify.backup(crew, source, made, self.found, self.bar.advance)


class _Steps:
    """Counts verified steps from before there is a bar to show them on."""

    def __init__(self) -> None:
        self._done = 0
        self._phase: Phase | None = None

    def advance(self) -> None:
        """Count one step."""
        if self._phase is None:
            self._done += 1
        else:
            self._phase.advance()

    def show(self, phase: Phase) -> None:
        """Show the steps on a bar, those already done at once."""
        phase.advance(self._done)
        self._phase = phase
