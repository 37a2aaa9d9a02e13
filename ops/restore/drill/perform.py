"""The restore drill: decide, restore, clone, compare, time, clean up, tell.

Three things go side by side: the restore of the backups, the clone to the marker, and the
reading of the baseline. A copy is verified as soon as it answers. A drill that is cut short
leaves evidence too: what it found until then, and why it did not end.
"""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from ops import backupruns, lease, logline
from ops.checks.crew import Crew
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
from ops.restore.drill import cost, evidence, plan, preflight
from ops.restore.drill.options import Options, TimeLimit, TimeLimitError, options
from ops.restore.drill.outcome import report, settled
from ops.restore.drill.proposal import Proposal
from ops.restore.drill.report import Report
from ops.restore.drill.stages import Cleaned, Copy, Decided, DrillStart, Stages, Verified
from ops.restore.drill.sweep import BEGUN, sweep_held
from ops.restore.drill.work import Work
from ops.restore.faults import inject
from ops.restore.faults.inject import Fault
from ops.restore.source import ROOM, Source, of

__all__ = ["Options", "Report", "answer", "drill", "options", "perform", "propose"]

# A rehearsal of a source that no stack's settings speak of.
TIME_LIMIT_S = 10_800.0


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a drill works with, from its first moment to its evidence."""

    start: DrillStart  # its source has no limit: what was made is removed in any case
    source: Source  # whose API's waits end where the drill may not go on
    options: Options
    fault: Fault | None
    limit: TimeLimit
    progress: Progress
    check: Callable[[], None]  # raises where the drill may not go on

    @property
    def journal(self) -> Journal:
        """Return the trace of this drill, which stays until there is its evidence."""
        return Journal(self.source.store, ROOM, self.start.run)


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
    setting = _begin(source, options, inject.named(options.inject, source), progress)
    with progress.phase("Look at the source and its backups"):
        decided = _decide(setting)
    cost.hold(decided.cost, options.cost_cap)
    return Proposal(source.instance, decided.plan, settled(setting.start, decided))


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
) -> _Setting:
    started = datetime.now(UTC)
    limit = TimeLimit(TIME_LIMIT_S if options.time_limit_s is None else options.time_limit_s)

    def check() -> None:
        if holding is not None:
            holding.check()
        limit.check()

    waiting = replace(source, cloud=source.cloud.bounded(each=check, tell=progress.line))
    lanes = options.side_by_side
    start = DrillStart(source, run_name(started), started, options.inject, limit.seconds, lanes)
    logline.bind(run=start.run)
    return _Setting(start, waiting, options, fault, limit, progress, check)


def _perform(setting: _Setting, holding: Holding) -> Report:
    start, store = setting.start, setting.source.store
    stages, error = _run(setting)
    try:
        _confirm(error, holding)
    except BadInputError:  # nothing was begun
        setting.journal.close()
        raise
    except BaseException as first:
        _keep(setting, stages, first)
        raise
    result = report(stages, store.where(key(ROOM, start.run)), error)
    try:
        write(store, evidence.of(start.source, result, _versions(stages)))
    except AlreadyRecordedError:
        holding.confirm()  # whoever took the lease over recorded this drill as killed
        raise
    _close(setting, stages)
    return result


def _confirm(error: BaseException | None, holding: Holding) -> None:
    """Raise what cut a drill short, unless its time limit did, or that the lease is lost."""
    if error is not None and not isinstance(error, TimeLimitError):
        raise error
    holding.confirm()  # else what is reported may be of copies that others removed


def _keep(setting: _Setting, stages: Stages, error: BaseException) -> None:
    """Write the evidence of a drill that is cut short; its error stays the one reported."""
    start, progress, store = setting.start, setting.progress, setting.source.store
    own_key = key(ROOM, start.run)
    with in_spite_of(progress.line):
        if isinstance(error, LeaseLostError) and store.get(own_key) is not None:
            progress.line(f"Whoever swept this drill recorded it: {store.where(own_key)}")
            _close(setting, stages)
            return
        result = report(stages, store.where(own_key), error)
        write(store, evidence.of(start.source, result, _versions(stages)))
        progress.line(f"{result.summary()} Evidence: {result.evidence}")
        _close(setting, stages)


def _versions(stages: Stages) -> Mapping[str, str]:
    return {} if stages.decided is None else stages.decided.versions


def _close(setting: _Setting, stages: Stages) -> None:
    """Forget the trace of a drill that left its evidence, and nothing else."""
    if stages.cleaned.tidy:
        setting.journal.close()


def _run(setting: _Setting) -> tuple[Stages, BaseException | None]:
    """Return how far the drill came, and what cut it short; nothing is raised."""
    start, progress = setting.start, setting.progress
    stages = Stages(start)
    try:
        process = {"pid": str(os.getpid()), "host": socket.gethostname()}
        setting.journal.intend(BEGUN, start.source.instance, **process)
        with progress.phase("Choose backups, sweep what earlier drills left"):
            by = f"drill {start.run}"
            swept = sweep_held(setting.source, start.started, by=by, but=start.run)
            stages = replace(stages, cleaned=Cleaned(swept.lines(), swept.leftovers))
            decided = _decide(setting)
        planned = Verified(tuple(Copy(copy_plan) for copy_plan in decided.plan.copies))
        stages = replace(stages, decided=decided, verified=planned)
        if not planned.copies:
            return stages, None
        cost.hold(decided.cost, setting.options.cost_cap)
        preflight.names_free(setting.source, decided.plan.copies)
    except BaseException as error:  # noqa: BLE001 - returned, and raised where it is recorded
        return stages, error
    return _restore(setting, stages, decided)


def _restore(
    setting: _Setting, stages: Stages, decided: Decided
) -> tuple[Stages, BaseException | None]:
    """Make, verify and remove the copies; return how far that came, and what cut it short."""
    source, start = setting.source, setting.start
    crew = Crew(setting.check, "restore-drill")
    working = replace(source, cloud=source.cloud.bounded(each=crew.check))
    journal, progress = setting.journal, setting.progress
    work = Work(working, setting.options, setting.fault, start, decided, journal, crew, progress)
    cut: BaseException | None = None
    try:
        work.do()
    except BaseException as error:  # noqa: BLE001 - returned, and raised where it is recorded
        cut = error
    # A sweep closes the journal, and a call that was under way may have made a copy after it.
    names = [copy.plan.name for copy in work.state().copies if copy.begun]
    before = stages.cleaned
    try:
        left = cleanup.always(start.source, crew, journal, progress, names)
        cleaned = replace(before, tidy=not left, leftovers=(*before.leftovers, *left))
    except BaseException as error:  # noqa: BLE001 - as above
        standing = [f"{name}: perhaps not removed" for name in cleanup.standing(journal)]
        leftovers = (*before.leftovers, *standing)
        cleaned = replace(before, complete=False, tidy=False, leftovers=leftovers)
        cut = error
    return replace(stages, verified=work.state(), cleaned=cleaned), cut


def _decide(setting: _Setting) -> Decided:
    """Look at the source, and choose what to restore; raises what stands in the way."""
    source, start, options = setting.source, setting.start, setting.options
    ready = preflight.look(source, setting.progress, setting.check)
    looked = source.now()
    chosen = plan.plan(
        source.instance,
        source.cloud.project,
        ready.runs if setting.fault is None else setting.fault.listing(ready.runs),
        run=start.run,
        now=start.started,
        backup=options.backup,
        latest=options.latest,
        seed=plan.draw() if options.seed is None else options.seed,
        point_in_time=ready.point_in_time,
        checks=backupruns.checks(source.policy, ready.created, ready.runs, looked),
    )
    most = None
    if chosen.copies:
        most = cost.estimate(ready.instance, chosen.copies, start.time_limit_s, book.load())
    versions = {"database": ready.instance.database_version, "postgresql": ready.postgresql}
    return Decided(chosen, most, looked, versions, ready.other_databases)
