"""The self-test: one source, one marker, a copy a fault; a healthy copy before and after.

It holds the drill's lease, and everything it makes stands in a journal of the drill's room:
the next drill or `invoke restore.sweep` removes what a killed self-test left.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ops import backupruns, lease
from ops.checks.crew import Crew
from ops.checks.result import State
from ops.console import Progress
from ops.errors import reason
from ops.evidence import key, run_name, write
from ops.evidence.afterwards import afterwards
from ops.evidence.cut import in_spite_of
from ops.invocation import Invocation
from ops.journal import Journal
from ops.lease import Holding, LeaseLostError
from ops.restore import cleanup
from ops.restore.drill.plan import TIME_TO_LIVE
from ops.restore.drill.sweep import sweep_held
from ops.restore.faults.fault import Fault
from ops.restore.proof.marker import TRIES, require_table
from ops.restore.selftest import evidence, rehearsal
from ops.restore.selftest.bench import Bench, Scene
from ops.restore.selftest.evidence import KIND
from ops.restore.selftest.plan import Options, SelftestPlan, plan
from ops.restore.selftest.rehearsal import Workload
from ops.restore.selftest.report import Control, Outcome, SelftestReport, Writing
from ops.restore.source import ROOM, Source, of
from ops.shortlived import name_stem

LANES = 2  # copies made and verified side by side, as in a drill
MARKERS = 3  # how often a marker is set anew where the workload leaves a healthy copy in doubt
NOT_TRIED = "it was not tried: the self-test did not get so far"
NOT_CLEANED_UP = "the clean-up was cut short: copies may be left"


def selftest(run: Invocation, options: Options) -> SelftestReport:
    """Test the drill of a stack's instance: see ``perform``."""
    with afterwards(run, KIND):
        return perform(of(run.target), options, run.progress)


def perform(source: Source, options: Options, progress: Progress) -> SelftestReport:
    """Put every fault into a copy of its own, and see that the drill's checks go red.

    Cut short, it removes its copies and leaves evidence of the faults that were tried.

    Raises:
        ops.errors.BadInputError: the options don't fit the stack.
        ops.restore.proof.marker.NoHeartbeatTableError: the source lacks the drill's table.
        ops.lease.LeaseHeldError: a drill is under way.
        ops.lease.LeaseLostError: it was suspended past its lease, and another process went on.
    """
    started = datetime.now(UTC)
    run = run_name(started)
    stem = f"{name_stem(source.instance, source.cloud.project)}{run}-"
    chosen = plan(stem, options, stack=source.stack, local=source.server is not None)
    with lease.hold(source.store, ROOM, source.lease) as holding:
        return _perform(_Course(source, options, chosen, run, stem, started, progress), holding)


@dataclass(frozen=True, slots=True)
class _Course:
    source: Source
    options: Options
    plan: SelftestPlan
    run: str
    stem: str
    started: datetime
    progress: Progress

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the labels for the instances that take labels."""
        return {
            "made-by": "restore-selftest",
            "drill": self.run,
            "drill-expires": f"{self.started + TIME_TO_LIVE:%Y%m%dt%H%M%Sz}",
        }


def _perform(course: _Course, holding: Holding) -> SelftestReport:
    source, progress = course.source, course.progress
    version = require_table(source)
    # Not by the drill's own name: a sweep records drills that were killed, and this is none.
    journal, crew = (
        Journal(source.store, ROOM, f"selftest-{course.run}"),
        Crew(holding.check, "restore-drill"),
    )
    swept = sweep_held(source, course.started, by=f"self-test {course.run}")
    work = _Work(course, journal, crew)
    left: tuple[str, ...] = (NOT_CLEANED_UP,)

    def finish(error: BaseException | None = None) -> SelftestReport:
        report = SelftestReport(
            run=course.run,
            stack=source.stack,
            source=source.instance,
            started=course.started,
            ended=datetime.now(UTC),
            controls=tuple(work.controls),
            outcomes=_sorted(work.outcomes, course.plan),
            writing=work.writing,
            swept=swept.lines(),
            leftovers=(*swept.leftovers, *left),
            evidence=source.store.where(key(KIND, course.run)),
            cut="" if error is None else reason(error),
            lost=isinstance(error, LeaseLostError),
        )
        write(source.store, evidence.of(report, {"postgresql": version}, source.identity))
        return report

    try:
        try:
            work.do()
            holding.confirm()  # else a copy that others removed counts as one that was seen red
        finally:
            left = cleanup.always(source, crew, journal, progress)
            if not left:
                journal.close()
    except BaseException as error:
        with in_spite_of(progress.line):
            report = finish(error)
            progress.line(f"{report.summary()} Evidence: {report.evidence}")
        raise
    return finish()


def _sorted(outcomes: Sequence[Outcome], chosen: SelftestPlan) -> tuple[Outcome, ...]:
    """Return what came of each fault in the plan's order; of some nothing may have come yet."""
    by_name = {outcome.fault: outcome for outcome in outcomes}
    return tuple(
        by_name.get(fault.name)
        or Outcome(fault.name, fault.what, fault.seen_by, "", (), 0.0, NOT_TRIED)
        for fault in chosen.faults
    )


class _Work:
    """One self-test under way."""

    def __init__(self, course: _Course, journal: Journal, crew: Crew) -> None:
        self.course, self.journal, self.crew = course, journal, crew
        self.controls: list[Control] = []
        self.outcomes: list[Outcome] = []
        self.writing = Writing(0, 0, "exact")

    def do(self) -> None:
        """Make the rehearsal source; test under the workload."""
        course, source = self.course, self.course.source
        source = replace(source, cloud=source.cloud.bounded(each=self.crew.check))
        if source.server is not None:
            with course.progress.phase("Clone the source, put one of everything into the clone"):
                source = rehearsal.make(self.crew, source, self.journal, f"{course.stem}s")
        bench = Bench(source, self.journal, course.run, course.labels, self.crew)
        workload = Workload(source, course.options.clients)
        with workload.running():
            scene = self._begin(bench)
            self._check_listings(source)
            self._copied(bench, scene)
            self._alone(bench, scene)
            self._end(bench, scene)
        method = "exact" if scene.marker.exact else "sandwich"
        self.writing = Writing(workload.clients, workload.transactions, method)

    def _begin(self, bench: Bench) -> Scene:
        """Set the marker, and see that a healthy clone and a healthy backup are green.

        Under a workload the snapshots around the marker are taken at once: then less can be
        proven than in a quiet moment, and every fault has to be seen in that.
        """
        tries = 0 if self.course.options.clients else TRIES
        local = self.course.source.server is not None
        with self.course.progress.phase("Set the marker, prove healthy copies"):
            name = f"{self.course.stem}b1"
            backups = [self.crew.start(name, lambda: bench.healthy_backup(name))] if local else []
            for number in range(1, MARKERS + 1):
                scene = bench.scene(tries)
                clone = bench.healthy(f"{self.course.stem}f0{number}", scene)
                if clone.state is not State.UNKNOWN:
                    break
            self.controls.append(Control("before", clone.checks, number))
            self.controls += self.crew.wait(backups)
        return scene

    def _check_listings(self, source: Source) -> None:
        for fault in self.course.plan.told:
            assert fault.runs is not None  # noqa: S101 - the plan has put it here for that
            runs = fault.runs(source.cloud.backup_runs(source.instance))
            result = backupruns.freshness(runs, source.now())
            spoiled = "the list of backup runs"
            self.outcomes.append(
                Outcome(fault.name, fault.what, fault.seen_by, spoiled, (result,), 0.0)
            )

    def _copied(self, bench: Bench, scene: Scene) -> None:
        faults, course = self.course.plan.copied, self.course
        if not faults:
            return
        title = f"Put {len(faults)} faults into copies"
        with course.progress.phase(title, total=len(faults)) as phase:

            def lane(faults: Iterator[Fault]) -> Sequence[Outcome]:
                for fault in faults:
                    phase.note(fault.name)
                    tried = bench.spoiled_copy(fault, course.plan.clone(fault), scene)
                    self.outcomes.append(tried)  # at once: what is cut short tells of it too
                    phase.advance()
                return ()

            self.crew.share("selftest", faults, LANES, lane)

    def _alone(self, bench: Bench, scene: Scene) -> None:
        faults, course = self.course.plan.alone, self.course
        if not faults:
            return
        title = f"Put {len(faults)} faults into archive and backups"
        with course.progress.phase(title, total=len(faults)) as phase:
            for number, fault in enumerate(faults, start=2):
                phase.note(fault.name)
                backup = f"{course.stem}b{number}"
                self.outcomes.append(
                    bench.spoiled_source(fault, course.plan.clone(fault), backup, scene)
                )
                phase.advance()

    def _end(self, bench: Bench, scene: Scene) -> None:
        """See that a healthy clone is green again, where WAL was spoiled to a new marker."""
        with self.course.progress.phase("Prove a healthy copy again"):
            for number in range(1, MARKERS + 1):
                if self.course.plan.alone or number > 1:
                    scene = bench.scene(TRIES)
                clone = bench.healthy(f"{self.course.stem}f0{MARKERS + number}", scene)
                if clone.state is not State.UNKNOWN:
                    break
            self.controls.append(Control("after", clone.checks, number))
