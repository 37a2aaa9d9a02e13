"""What a drill does once it is decided: the copies side by side, each proven as it answers.

A copy that can't be made, reached or verified says nothing of the others: it is unknown, and
they go on. A fault or a command that was asked for and does not work ends the drill.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from ops.checks.crew import Crew, StoppedError
from ops.checks.result import CheckResult, State
from ops.cloudsql import ApiError, UnreachableError
from ops.console import Phase, Progress
from ops.errors import OpsError, reason
from ops.journal import Journal
from ops.lease import LeaseLostError
from ops.restore import cleanup, copies
from ops.restore.copies import Kind, Made
from ops.restore.drill import hook
from ops.restore.drill.course import CopyCourse, Course
from ops.restore.drill.limit import TimeLimitError
from ops.restore.drill.options import Options
from ops.restore.faults.inject import Fault
from ops.restore.proof import baseline, verify
from ops.restore.proof.baseline import Baseline
from ops.restore.proof.marker import Marker
from ops.restore.proof.verify import Verified
from ops.restore.source import Source

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


@dataclass(frozen=True, slots=True)
class Work:
    """The work of one drill.

    Attributes:
        source: what is drilled; its API's waits end with the crew.
        options: the caller's.
        fault: what is put in on purpose, if anything.
        course: how far it has come.
        journal: of what it makes.
        crew: its threads.
        progress: where it shows itself.
    """

    source: Source
    options: Options
    fault: Fault | None
    course: Course
    journal: Journal
    crew: Crew
    progress: Progress
    marked: "Future[Marker]" = field(default_factory=Future)
    base: "Future[Baseline]" = field(default_factory=Future)
    bar: Steps = field(default_factory=Steps)

    def do(self) -> None:
        """Start everything that can go side by side, and wait for it phase by phase."""
        crew, course = self.crew, self.course
        order = tuple(_ordered(course.copies))
        if self.fault is not None and self.fault.base is not None:
            self.fault.base(self.source, self.journal)
        lanes = self.options.side_by_side
        whole = crew.start("copies", lambda: crew.share("copy", order, lanes, self._lane))
        title = f"Restore {', '.join(_backups(course.copies))}"
        if course.plan is not None and course.plan.clones:
            title += f"; clone to {self._mark()}"
        with self.progress.phase(title, total=len(order)) as phase:
            crew.wait([one.made for one in order], each=phase.advance)
        steps = sum(verify.STEPS[one.kind] for one in course.plans)
        with self.progress.phase(f"Verify {len(order)} copies", total=steps) as phase:
            self.bar.show(phase)
            crew.wait([one.verified for one in order])
            crew.wait([whole])

    def _mark(self) -> str:
        """Set the marker, read the baseline from there on; return the time to clone to."""
        crew, source, course = self.crew, self.source, self.course
        if self.fault is not None and self.fault.archive is not None:
            self.fault.archive(source, self.journal)
        with self.progress.phase("Set the marker on the source"):
            crew.start("baseline", self._read)
            try:
                (course.marker,) = crew.wait([self.marked])
            except (StoppedError, *ENDS):
                raise
            except OpsError as error:
                return f"no moment: {reason(error)}"
        course.latest_recovery_time = self._latest_recovery_time()
        return f"{course.marker.point_in_time:%H:%M:%S.%f}"[:-3]

    def _read(self) -> None:
        """Take the baseline; where that fails, whoever needs it is told why."""
        part = self.crew.part()
        tries = self.options.exact_tries
        try:
            taken = baseline.take(part, self.source, self.course.run, self.marked, tries)
            self.base.set_result(taken)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            cause = part.failure or error
            for job in (self.marked, self.base):
                if not job.done():
                    job.set_exception(cause)
            part.stop()

    def _latest_recovery_time(self) -> datetime | None:
        try:
            return self.source.cloud.latest_recovery_time(self.source.instance)
        except (ApiError, UnreachableError):
            return None  # shown beside the RPO; the clone itself says what is wrong

    def _lane(self, taken: Iterator[CopyCourse]) -> Sequence[Verified]:
        """Make and verify copies one after the other; each makes room for the next."""
        found = []
        crowded = len(self.course.copies) > self.options.side_by_side
        for one in taken:
            one.begun = True
            part = self.crew.part()
            try:
                found.append(self._one(part, one))
            finally:
                part.stop()
            if crowded:  # what stays is told when everything is removed
                cleanup.remove(self.source.cloud, self.journal, [one.plan.name])
        return found

    def _one(self, part: Crew, one: CopyCourse) -> Verified:
        made = self._made(part, one)
        one.made.set_result(made)
        if made.unsure:
            verified = _unknown(one, made, "restored", made.failure)
        else:
            if not made.failure:
                self._before(part, one, made)
            verified = self._verified(part, one, made)
        one.verified.set_result(verified)
        return verified

    def _made(self, part: Crew, one: CopyCourse) -> Made:
        """Make a copy; a refusal or a network that fails says nothing of the backup."""
        try:
            if one.plan.kind is Kind.CLONE:
                (marker,) = self.crew.wait([self.marked])
                moment = _moment(marker, self.fault)
                return copies.clone(part, self.source, self.journal, one.plan, moment)
            labels = self.course.labels
            return copies.restore(part, self.source, self.journal, one.plan, labels)
        except (StoppedError, *ENDS):
            raise
        except OpsError as error:
            return Made(one.plan, None, (), failure=reason(error), unsure=True)

    def _before(self, part: Crew, one: CopyCourse, made: Made) -> None:
        """Spoil a copy, and let the team's own command look, where that was asked for."""
        fault, command = self.fault, self.options.before_verify
        if fault is not None:
            spoil = fault.copy if one.plan.kind is Kind.CLONE else fault.restored
            if spoil is not None:
                spoil(part, self.source, made)
        if command:
            hook.before_verify(part, self.source, made, command)

    def _verified(self, part: Crew, one: CopyCourse, made: Made) -> Verified:
        source, found, advance = self.source, one.found, self.bar.advance
        limit_s = self.options.verify_limit_s
        try:
            if one.plan.kind is Kind.CLONE:
                base = self.base
                return verify.clone(part, source, made, base, found, advance, budget_s=limit_s)
            return verify.backup(part, source, made, found, advance, budget_s=limit_s)
        except ENDS:
            raise
        except OpsError as error:
            self.crew.check()  # the whole drill is given up
            cause = part.failure or error
            if not isinstance(cause, OpsError):
                raise cause from error
            return _unknown(one, made, "verified", reason(cause))


def _moment(marker: Marker, fault: Fault | None) -> datetime:
    """Return what to clone to: after the marker, and before the next heartbeat."""
    if fault is None or fault.moment is None:
        return marker.point_in_time
    return fault.moment(marker)


def _unknown(one: CopyCourse, made: Made, check: str, why: str) -> Verified:
    """Note that nothing more can be said of a copy."""
    one.found.append(CheckResult(check, State.UNKNOWN, 0, 1, why, remedy=AGAIN))
    return Verified(made, tuple(one.found))


def _ordered(every: Sequence[CopyCourse]) -> Iterator[CopyCourse]:
    """Yield the newest backup, the clone, then the rest: what matters most comes first."""
    backups = [one for one in every if one.plan.kind is Kind.BACKUP]
    yield from backups[:1]
    yield from (one for one in every if one.plan.kind is Kind.CLONE)
    yield from backups[1:]


def _backups(every: Sequence[CopyCourse]) -> list[str]:
    ids = [one.plan.backup.id for one in every if one.plan.backup is not None]
    return [f"backup {ids[0]}", *ids[1:]]
