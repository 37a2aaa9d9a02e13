"""The restore drill: decide, restore, clone, compare, time, clean up, tell.

Three things go side by side: the restore of the backups, the clone to the marker, and the
reading of the baseline. A copy is verified as soon as it answers. A drill that is cut short
leaves evidence too: what it found until then, and why it did not end.
"""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from ops import backupruns, lease, logline
from ops.checks.crew import Crew
from ops.checks.result import CheckResult
from ops.console import Progress
from ops.errors import BadInputError
from ops.evidence import key, run_name, write
from ops.evidence.afterwards import afterwards
from ops.evidence.cut import in_spite_of
from ops.evidence.record import AlreadyRecordedError
from ops.invocation import Invocation
from ops.journal import Journal
from ops.lease import Holding, LeaseLostError
from ops.prices import book
from ops.restore import cleanup
from ops.restore.drill import cost, evidence, killed, plan, preflight
from ops.restore.drill.course import Course, report, settled
from ops.restore.drill.limit import TimeLimit, TimeLimitError
from ops.restore.drill.options import Options, options
from ops.restore.drill.preflight import Ready
from ops.restore.drill.proposal import Proposal
from ops.restore.drill.report import Report
from ops.restore.drill.sweep import sweep_held
from ops.restore.drill.work import Work
from ops.restore.faults import inject
from ops.restore.faults.inject import Fault
from ops.restore.source import ROOM, Source, of

__all__ = ["Options", "Report", "answer", "drill", "options", "perform", "propose"]

# A rehearsal of a source that no stack's settings speak of.
TIME_LIMIT_S = 10_800.0


@dataclass(frozen=True, slots=True)
class _Drill:
    """One drill, from its begin to its evidence."""

    source: Source
    options: Options
    fault: Fault | None
    course: Course
    limit: TimeLimit
    cap: Decimal | None
    progress: Progress
    check: Callable[[], None]  # raises where the drill may not go on
    held: Holding | None = None

    @property
    def journal(self) -> Journal:
        """Return the trace of this drill, which stays until there is its evidence."""
        return Journal(self.source.store, ROOM, self.course.run)


_USUAL = Options()


def drill(run: Invocation, options: Options = _USUAL) -> Report:
    """Drill the backups of a stack's instance: see ``perform``."""
    with afterwards(run, ROOM):
        return perform(of(run.target), _held_to(run, options), run.progress)


def answer(run: Invocation, options: Options) -> Report | Proposal:
    """Drill, or with ``dry_run`` say what that would do."""
    if options.dry_run:
        return propose(of(run.target), _held_to(run, options), run.progress)
    return drill(run, options)


def _held_to(run: Invocation, options: Options) -> Options:
    """Return the options with the stack's limits where the caller gave none."""
    settings = run.target.settings.drill
    limit_s = settings.time_limit_s if options.time_limit_s is None else options.time_limit_s
    cap = options.cost_cap
    if cap is None and settings.cost_cap_usd is not None:
        cap = Decimal(settings.cost_cap_usd)
    return replace(options, time_limit_s=limit_s, cost_cap=cap)


def propose(source: Source, options: Options, progress: Progress) -> Proposal:
    """Return what a drill would do; touches nothing. Raises as ``perform`` does."""
    drill = _begin(source, options, inject.named(options.inject, source), progress)
    with progress.phase("Look at the source and its backups"):
        _decide(drill)
    course = drill.course
    assert course.plan is not None  # noqa: S101 - decided just now
    _affordable(drill)
    return Proposal(source.instance, course.plan, settled(course))


def perform(source: Source, options: Options, progress: Progress) -> Report:
    """Restore a source's backups and clone it to a marker, prove all, and remove them.

    Whatever happens, interrupts included, the copies are removed and evidence is left; a
    drill that was killed is cleaned up, and recorded, by the next one or by ``sweep``.

    Raises:
        ops.lease.LeaseHeldError: another drill is under way.
        ops.lease.LeaseLostError: it was suspended past its lease, and another process went on.
        ops.restore.drill.cost.CostCapError: the copies may cost too much.
        ops.restore.drill.plan.UnknownBackupError: ``backup`` is not there or not successful.
        ops.restore.drill.preflight: its errors: the source can't be drilled now.
        ops.restore.faults.inject.UnknownFaultError: ``inject`` names no fault.
    """
    fault = inject.named(options.inject, source)
    with lease.hold(source.store, ROOM, source.lease) as holding:
        return _perform(_begin(source, options, fault, progress, holding), holding)


def _begin(
    source: Source,
    options: Options,
    fault: Fault | None,
    progress: Progress,
    holding: Holding | None = None,
) -> _Drill:
    started = datetime.now(UTC)
    limit = TimeLimit(TIME_LIMIT_S if options.time_limit_s is None else options.time_limit_s)
    course = Course(
        source,
        run_name(started),
        started,
        options.inject,
        time_limit_s=limit.seconds,
        side_by_side=options.side_by_side,
    )
    logline.bind(run=course.run)

    def check() -> None:
        if holding is not None:
            holding.check()
        limit.check()

    waiting = source.cloud.bounded(each=check, tell=progress.line)
    source = replace(source, cloud=waiting)
    return _Drill(source, options, fault, course, limit, options.cost_cap, progress, check, holding)


def _perform(drill: _Drill, holding: Holding) -> Report:
    course, store = drill.course, drill.source.store
    cut: TimeLimitError | None = None
    try:
        try:
            _run(drill)
        except TimeLimitError as error:
            cut = error
        holding.confirm()  # else what is reported below may be of copies that others removed
    except BadInputError:  # nothing was begun
        drill.journal.close()
        raise
    except BaseException as error:
        _keep(drill, error)
        raise
    result = report(course, store.where(key(ROOM, course.run)), cut)
    try:
        write(store, evidence.of(drill.source, result, course.versions))
    except AlreadyRecordedError:
        holding.confirm()  # whoever took the lease over recorded this drill as killed
        raise
    _close(drill)
    return result


def _keep(drill: _Drill, error: BaseException) -> None:
    """Write the evidence of a drill that is cut short; its error stays the one that is told."""
    course, progress, store = drill.course, drill.progress, drill.source.store
    own_key = key(ROOM, course.run)
    with in_spite_of(progress.line):
        if isinstance(error, LeaseLostError) and store.get(own_key) is not None:
            progress.line(f"Whoever swept this drill recorded it: {store.where(own_key)}")
            _close(drill)
            return
        result = report(course, store.where(own_key), error)
        write(store, evidence.of(drill.source, result, course.versions))
        progress.line(f"{result.summary()} Evidence: {result.evidence}")
        _close(drill)


def _close(drill: _Drill) -> None:
    """Forget the trace of a drill that left its evidence, and nothing else."""
    if drill.course.tidy:
        drill.journal.close()


def _run(drill: _Drill) -> None:
    source, course, progress = drill.source, drill.course, drill.progress
    process = {"pid": str(os.getpid()), "host": socket.gethostname()}
    drill.journal.intend(killed.BEGUN, source.instance, **process)
    with progress.phase("Choose backups, sweep what earlier drills left"):
        swept = sweep_held(source, course.started, by=f"drill {course.run}", but=course.run)
        course.swept, course.leftovers = swept.lines(), swept.leftovers
        _decide(drill)
    chosen = course.plan
    if chosen is None or not chosen.copies:
        return
    _affordable(drill)
    preflight.names_free(source, chosen.copies)
    crew, earlier = Crew(drill.check, "restore-drill"), course.leftovers
    working = replace(source, cloud=source.cloud.bounded(each=crew.check))
    try:
        Work(working, drill.options, drill.fault, course, drill.journal, crew, progress).do()
    finally:
        _clean_up(drill, crew, earlier)


def _backups(source: Source, ready: Ready, now: datetime) -> tuple[CheckResult, ...]:
    """Return whether every backup is there that should be, and the newest young enough."""
    if source.policy is None:
        return (backupruns.freshness(ready.runs, now),)
    return backupruns.checks(source.policy, ready.created, ready.runs, now)


def _affordable(drill: _Drill) -> None:
    if drill.course.cost is not None:
        cost.hold(drill.course.cost, drill.cap)


def _clean_up(drill: _Drill, crew: Crew, earlier: tuple[str, ...]) -> None:
    course = drill.course
    course.removed, course.tidy = False, False
    # A sweep closes the journal, and a call that was under way may have made a copy after it.
    names = [copy.plan.name for copy in course.copies if copy.begun]
    try:
        left = cleanup.always(course.source, crew, drill.journal, drill.progress, names)
    except BaseException:
        standing = cleanup.standing(drill.journal)  # what it has just said is left
        course.leftovers = (*earlier, *(f"{name}: perhaps not removed" for name in standing))
        raise
    course.removed, course.tidy, course.leftovers = True, not left, (*earlier, *left)


def _decide(drill: _Drill) -> None:
    """Look at the source, and choose what to restore; raises what stands in the way."""
    source, course, drill_options = drill.source, drill.course, drill.options
    ready = preflight.look(source, drill.progress, drill.check)
    course.asked = source.now()
    course.versions["database"] = ready.instance.database_version
    course.versions["postgresql"] = ready.postgresql
    course.other_databases = ready.other_databases
    chosen = plan.plan(
        source.instance,
        source.cloud.project,
        ready.runs if drill.fault is None else drill.fault.listing(ready.runs),
        run=course.run,
        now=course.started,
        backup=drill_options.backup,
        latest=drill_options.latest,
        seed=plan.draw() if drill_options.seed is None else drill_options.seed,
        point_in_time=ready.point_in_time,
        checks=_backups(source, ready, course.asked),
    )
    course.choose(chosen)
    if chosen.copies:
        course.cost = cost.estimate(ready.instance, chosen.copies, drill.limit.seconds, book.load())
