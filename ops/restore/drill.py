"""The restore drill: restore, clone, compare, time, clean up, tell.

Three things go side by side: the restore of the backup, the clone to the marker, and the
reading of the baseline. A copy is verified as soon as it answers.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ops import lease
from ops.cloudsql import ApiError
from ops.console import Phase, Progress
from ops.errors import BadInputError
from ops.invocation import Invocation
from ops.journal import Journal
from ops.restore import baseline, cleanup, copies, evidence, hook, inject, plan, timing, verify
from ops.restore.baseline import Baseline
from ops.restore.copies import Made
from ops.restore.crew import Crew
from ops.restore.inject import Fault
from ops.restore.marker import TRIES, Marker, require_table
from ops.restore.plan import CopyPlan, DrillPlan, Kind
from ops.restore.report import DRILL, Checked, Clone, Report, Restored
from ops.restore.source import ROOM, Source, of
from ops.restore.sweep import sweep_held
from ops.restore.timing import Loss
from ops.restore.verify import Verified
from ops.results import CheckResult, State

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


@dataclass(frozen=True, slots=True)
class _Result:
    """What the work between planning and clean-up gave."""

    marker: Marker
    verified: tuple[Verified, ...]
    latest_recovery_time: datetime | None


def drill(run: Invocation, options: Options = Options()) -> Report:
    """Drill the backups of a stack's instance: see ``perform``."""
    return perform(of(run.target), options, run.progress)


def perform(source: Source, options: Options, progress: Progress) -> Report:
    """Restore a source's backup and clone it to a marker, prove both, and remove them.

    Whatever happens, interrupts included, the copies are removed; a drill that was killed
    is cleaned up by the next one or by ``sweep``.

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
    with progress.phase("Choose a backup, sweep what earlier drills left"):
        instance = source.cloud.instance(source.instance)
        require_table(source)
        swept = sweep_held(source, started)
        chosen = plan.plan(
            source.instance,
            source.cloud.project,
            source.cloud.backup_runs(source.instance),
            run=plan.run_name(started),
            now=started,
            backup=options.backup,
            seed=options.seed,
        )
    result: _Result | None = None
    left = swept.leftovers
    if chosen.copies:
        journal, crew = Journal(source.store, ROOM, chosen.run), Crew()
        try:
            result = _Work(source, options, fault, chosen, journal, crew, progress).do()
        finally:
            left = (*left, *cleanup.always(source, crew, journal, progress))
    report = _report(source, chosen, result, started, left)
    where = source.store.where(evidence.key(chosen.run))
    report = replace(report, injected=options.inject, evidence=where)
    evidence.write(source, report, instance.database_version)
    return report


@dataclass(frozen=True, slots=True)
class _Work:
    source: Source
    options: Options
    fault: Fault | None
    plan: DrillPlan
    journal: Journal
    crew: Crew
    progress: Progress

    def do(self) -> _Result:
        """Start everything that can go side by side, and wait for it phase by phase."""
        crew, source = self.crew, self.source
        backups = [one for one in self.plan.copies if one.kind is Kind.BACKUP]
        (clone,) = (one for one in self.plan.copies if one.kind is Kind.CLONE)
        restores = [crew.start(one.name, self._restore(one)) for one in backups]
        if self.fault is not None and self.fault.archive is not None:
            self.fault.archive(source, self.journal)
        with self.progress.phase("Set the marker on the source"):
            marked: Future[Marker] = Future()
            tries = self.options.exact_tries
            base = crew.start(
                "baseline", lambda: baseline.take(crew, source, self.plan.run, marked, tries)
            )
            (marker,) = crew.wait([marked])
        moment = marker.point_in_time
        latest = self._latest_recovery_time()
        cloned = crew.start(
            clone.name, lambda: copies.clone(crew, source, self.journal, clone, moment)
        )
        numbers = ", ".join(one.backup.id for one in backups if one.backup)
        title = f"Restore backup {numbers}, and clone to {moment:%H:%M:%S.%f}"[:-3]
        steps = sum(verify.STEPS[one.kind] for one in self.plan.copies)
        verifying = f"Verify {len(self.plan.copies)} copies"
        # Verification of the first copy begins while the other is still made.
        bar = _Steps()
        verified = [crew.start("verify", self._verify(made, base, bar)) for made in restores]
        verified.append(crew.start("verify", self._verify(cloned, base, bar)))
        with self.progress.phase(title, total=len(self.plan.copies)) as phase:
            crew.wait([*restores, cloned], each=phase.advance)
        with self.progress.phase(verifying, total=steps) as phase:
            bar.show(phase)
            return _Result(marker, crew.wait(verified), latest)

    def _restore(self, one: CopyPlan) -> "_Making":
        return _Making(self, one)

    def _verify(
        self, made: "Future[Made]", base: "Future[Baseline]", bar: "_Steps"
    ) -> "_Verifying":
        return _Verifying(self, made, base, bar)

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
        return copies.restore(work.crew, work.source, work.journal, self.plan, work.plan.labels)


@dataclass(frozen=True, slots=True)
class _Verifying:
    work: _Work
    made: "Future[Made]"
    base: "Future[Baseline]"
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
            return verify.clone(crew, source, made, self.base, self.bar.advance)
        return verify.backup(crew, source, made, self.bar.advance)


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


def _report(
    source: Source,
    chosen: DrillPlan,
    result: _Result | None,
    started: datetime,
    left: tuple[str, ...],
) -> Report:
    checks = [Checked(DRILL, one) for one in chosen.checks]
    verified: Sequence[Verified] = () if result is None else result.verified
    labels = _labels(chosen)
    checks += [
        Checked(labels[one.made.plan.name], check) for one in verified for check in one.checks
    ]
    phases = {
        labels[one.made.plan.name]: timing.phases(one.made, one.seconds)
        for one in verified
        if one.made.operations
    }
    whole = [
        phases[labels[one.made.plan.name]]
        for one in verified
        if one.seconds and not one.made.failure
    ]
    slowest = max(whole, key=lambda one: one.total, default=None)
    loss = None if result is None else _loss(result)
    if result is not None:
        checks.append(Checked(DRILL, timing.rto(slowest, source.rto_target_s)))
        checks.append(Checked(DRILL, timing.rpo(loss, source.rpo_target_s)))
    checks.append(Checked(DRILL, _cleaned(left, len(chosen.copies))))
    return Report(
        run=chosen.run,
        stack=source.stack,
        source=source.instance,
        started=started,
        ended=datetime.now(UTC),
        backups=tuple(
            Restored(b.id, b.type, b.description, b.started, b.ended, one.name)
            for one in chosen.copies
            if (b := one.backup) is not None
        ),
        clone=None if result is None else _clone(chosen, result.marker),
        checks=tuple(checks),
        phases=phases,
        rto=slowest,
        loss=loss,
        leftovers=left,
    )


def _labels(chosen: DrillPlan) -> dict[str, str]:
    """Return what people call each copy: ``backup``, ``backup 2``, ``clone``."""
    return {
        one.name: one.kind.value if number == 1 or one.kind is Kind.CLONE else f"backup {number}"
        for number, one in enumerate(chosen.copies, start=1)
    }


def _clone(chosen: DrillPlan, marker: Marker) -> Clone:
    (one,) = (one for one in chosen.copies if one.kind is Kind.CLONE)
    method = "exact" if marker.exact else "sandwich"
    return Clone(one.name, marker.point_in_time, method, marker.tries)


def _loss(result: _Result) -> Loss:
    newest = [one.newest for one in result.verified if one.made.plan.kind is Kind.CLONE]
    return Loss(result.marker.point_in_time, newest[0], result.latest_recovery_time)


def _cleaned(left: tuple[str, ...], made: int) -> CheckResult:
    if left:
        remedy = "Run `invoke restore.sweep`; each of them costs money."
        words = f"{len(left)} instances could not be removed"
        return CheckResult("cleanup", State.FINDING, made, made, words, left, remedy=remedy)
    return CheckResult("cleanup", State.OK, made, made, f"{made} copies removed, nothing left")
