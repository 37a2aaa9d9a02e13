"""What a drill does once it is decided: the copies side by side, each proven as it answers.

A copy that can't be made, reached or verified says nothing of the others: it is unknown, and
they go on. A fault or a command that was asked for and does not work ends the drill.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from ops.checks.crew import Crew, StoppedError
from ops.checks.result import CheckResult, State
from ops.cloudsql import ApiError, UnreachableError
from ops.console import Phase, Progress
from ops.errors import OpsError, reason
from ops.journal import Journal
from ops.lease import LeaseLostError
from ops.restore import cleanup, copies
from ops.restore.copies import CopyPlan, Kind, Made
from ops.restore.drill import hook
from ops.restore.drill.options import Options, TimeLimitError
from ops.restore.drill.stages import Copy, Decided, DrillStart
from ops.restore.drill.stages import Verified as VerifiedCopies
from ops.restore.faults.inject import Fault
from ops.restore.proof import baseline, verify
from ops.restore.proof.baseline import Baseline
from ops.restore.proof.marker import Marker
from ops.restore.proof.verify import Verified
from ops.restore.source import Source

_T = TypeVar("_T")
ENDS = (TimeLimitError, LeaseLostError)  # the whole drill, wherever they are raised
AGAIN = "It says nothing of the backup. See to that, and drill again."


class Steps:
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


@dataclass(slots=True)
class CopyJob:
    """One copy while it is made and verified.

    Attributes:
        plan: what it is to be.
        results: the checks that have ended.
        begun: whether any of it may exist.
        made, verified: done once it answers, and once every check has ended.
    """

    plan: CopyPlan
    results: list[CheckResult] = field(default_factory=list)
    begun: bool = False
    made: "Future[Made]" = field(default_factory=Future)
    verified: "Future[Verified]" = field(default_factory=Future)

    def state(self) -> Copy:
        """Return how far it has come."""
        verified = _result(self.verified)
        return Copy(
            self.plan,
            self.begun,
            _result(self.made),
            tuple(self.results),
            None if verified is None else verified.seconds,
            None if verified is None else verified.newest,
        )


class Work:
    """The work of one drill: threads that make and verify copies.

    Args:
        source: what is drilled; its API's waits end with the crew.
        options: the caller's.
        fault: what is injected, if anything.
        begun, decided: the drill, and what it restores.
        journal: of what it makes.
        crew: its threads.
        progress: where it shows itself.
    """

    def __init__(
        self,
        source: Source,
        options: Options,
        fault: Fault | None,
        start: DrillStart,
        decided: Decided,
        journal: Journal,
        crew: Crew,
        progress: Progress,
    ) -> None:
        self.source = source
        self.options = options
        self.fault = fault
        self.run = start.run
        self.plan = decided.plan
        self.journal = journal
        self.crew = crew
        self.progress = progress
        self.jobs = tuple(CopyJob(copy_plan) for copy_plan in decided.plan.copies)
        self.marked: Future[Marker] = Future()
        self.base: Future[Baseline] = Future()
        self.bar = Steps()
        self._latest_recovery_time: datetime | None = None

    def state(self) -> VerifiedCopies:
        """Return how far the copies have come, whatever cut the work short."""
        copies_so_far = tuple(job.state() for job in self.jobs)
        return VerifiedCopies(copies_so_far, _result(self.marked), self._latest_recovery_time)

    def do(self) -> None:
        """Start everything that can go side by side, and wait for it phase by phase."""
        crew = self.crew
        order = tuple(_ordered(self.jobs))
        if self.fault is not None and self.fault.base is not None:
            self.fault.base(self.source, self.journal)
        lanes = self.options.side_by_side
        copying = crew.start("copies", lambda: crew.share("copy", order, lanes, self._lane))
        title = f"Restore {', '.join(_backups(self.jobs))}"
        if self.plan.clones:
            title += f"; clone to {self._mark()}"
        with self.progress.phase(title, total=len(order)) as phase:
            crew.wait([job.made for job in order], each=phase.advance)
        steps = sum(verify.STEPS[copy_plan.kind] for copy_plan in self.plan.copies)
        with self.progress.phase(f"Verify {len(order)} copies", total=steps) as phase:
            self.bar.show(phase)
            crew.wait([job.verified for job in order])
            crew.wait([copying])

    def _mark(self) -> str:
        """Set the marker, read the baseline from there on; return the time to clone to."""
        crew, source = self.crew, self.source
        if self.fault is not None and self.fault.archive is not None:
            self.fault.archive(source, self.journal)
        with self.progress.phase("Set the marker on the source"):
            crew.start("baseline", self._read)
            try:
                (marker,) = crew.wait([self.marked])
            except (StoppedError, *ENDS):
                raise
            except OpsError as error:
                return f"no moment: {reason(error)}"
        self._latest_recovery_time = self._read_latest_recovery_time()
        return f"{marker.point_in_time:%H:%M:%S.%f}"[:-3]

    def _read(self) -> None:
        """Take the baseline; where that fails, whoever needs it is told why."""
        part = self.crew.part()
        tries = self.options.exact_tries
        try:
            state = baseline.take(part, self.source, self.run, self.marked, tries)
            self.base.set_result(state)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            cause = part.failure or error
            for job in (self.marked, self.base):
                if not job.done():
                    job.set_exception(cause)
            part.stop()

    def _read_latest_recovery_time(self) -> datetime | None:
        try:
            return self.source.cloud.latest_recovery_time(self.source.instance)
        except (ApiError, UnreachableError):
            return None  # shown beside the RPO; the clone itself says what is wrong

    def _lane(self, waiting_jobs: Iterator[CopyJob]) -> Sequence[Verified]:
        """Make and verify copies one after the other; each makes room for the next."""
        verified = []
        crowded = len(self.jobs) > self.options.side_by_side
        for job in waiting_jobs:
            job.begun = True
            part = self.crew.part()
            try:
                verified.append(self._verify(part, job))
            finally:
                part.stop()
            if crowded:  # what stays is told when everything is removed
                cleanup.remove(self.source.cloud, self.journal, [job.plan.name])
        return verified

    def _verify(self, part: Crew, job: CopyJob) -> Verified:
        copy = self._restore(part, job)
        job.made.set_result(copy)
        if copy.unsure:
            verified = _unknown(job, copy, "restored", copy.failure)
        else:
            if not copy.failure:
                self._before(part, job, copy)
            verified = self._verified(part, job, copy)
        job.verified.set_result(verified)
        return verified

    def _restore(self, part: Crew, job: CopyJob) -> Made:
        """Make a copy; a refusal or a network that fails says nothing of the backup."""
        try:
            if job.plan.kind is Kind.CLONE:
                (marker,) = self.crew.wait([self.marked])
                moment = _moment(marker, self.fault)
                return copies.clone(part, self.source, self.journal, job.plan, moment)
            return copies.restore(part, self.source, self.journal, job.plan, self.plan.labels)
        except (StoppedError, *ENDS):
            raise
        except OpsError as error:
            return Made(job.plan, None, (), failure=reason(error), unsure=True)

    def _before(self, part: Crew, job: CopyJob, copy: Made) -> None:
        """Spoil a copy, and let the team's own command look, where that was asked for."""
        fault, command = self.fault, self.options.before_verify
        if fault is not None:
            spoil = fault.copy if job.plan.kind is Kind.CLONE else fault.restored
            if spoil is not None:
                spoil(part, self.source, copy)
        if command:
            hook.before_verify(part, self.source, copy, command)

    def _verified(self, part: Crew, job: CopyJob, copy: Made) -> Verified:
        source, results, advance = self.source, job.results, self.bar.advance
        limit_s = self.options.verify_limit_s
        try:
            if job.plan.kind is Kind.CLONE:
                base = self.base
                return verify.clone(part, source, copy, base, results, advance, budget_s=limit_s)
            return verify.backup(part, source, copy, results, advance, budget_s=limit_s)
        except ENDS:
            raise
        except OpsError as error:
            self.crew.check()  # the whole drill is given up
            cause = part.failure or error
            if not isinstance(cause, OpsError):
                raise cause from error
            return _unknown(job, copy, "verified", reason(cause))


def _moment(marker: Marker, fault: Fault | None) -> datetime:
    """Return what to clone to: after the marker, and before the next heartbeat."""
    if fault is None or fault.moment is None:
        return marker.point_in_time
    return fault.moment(marker)


def _unknown(job: CopyJob, copy: Made, check: str, why: str) -> Verified:
    """Note that nothing more can be said of a copy."""
    job.results.append(CheckResult(check, State.UNKNOWN, 0, 1, why, remedy=AGAIN))
    return Verified(copy, tuple(job.results))


def _ordered(jobs: Sequence[CopyJob]) -> Iterator[CopyJob]:
    """Yield the newest backup, the clone, then the rest: what matters most comes first."""
    backups = [job for job in jobs if job.plan.kind is Kind.BACKUP]
    yield from backups[:1]
    yield from (job for job in jobs if job.plan.kind is Kind.CLONE)
    yield from backups[1:]


def _backups(jobs: Sequence[CopyJob]) -> list[str]:
    ids = [job.plan.backup.id for job in jobs if job.plan.backup is not None]
    return [f"backup {ids[0]}", *ids[1:]]


def _result(future: "Future[_T]") -> _T | None:
    """Return what a thread gave; None where it did not end, or ended by an error."""
    if not future.done() or future.exception() is not None:
        return None
    return future.result()
