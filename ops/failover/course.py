"""What a drill has got so far, and the report of it: of a whole drill and of one cut short."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from ops.checks.result import Checked, CheckResult, State, unsure
from ops.errors import reason
from ops.failover.checks import judge
from ops.failover.leg import Leg
from ops.failover.prechecks import Precheck
from ops.failover.report import BEFORE, DRILL, Report
from ops.failover.source import Source
from ops.failover.standing import Standing, server
from ops.lease import LeaseLostError
from ops.measures import COMMITS_LOST, RECONNECT, WRITE_GAP


@dataclass(slots=True)
class Course:
    """How far a drill has come.

    Attributes:
        source: what is drilled.
        run: the drill's name.
        started: when it began.
        prechecks: what was looked at before it.
        settled: what became of earlier drills that did not end, a line a drill.
        legs: its failovers: there, and back where that was asked for.
        skipped: why there was no failback, else None.
        leftovers: what could not be removed.
    """

    source: Source
    run: str
    started: datetime
    prechecks: tuple[Precheck, ...]
    settled: tuple[str, ...] = ()
    legs: list[Leg] = field(default_factory=list)
    skipped: CheckResult | None = None
    leftovers: tuple[str, ...] = ()

    def begin(self, name: str, before: Standing) -> Leg:
        """Begin a failover; raises CannotConnectError where nobody answers."""
        first = server(self.source, self.source.database)
        drill = f"{self.run}-{name}"
        self.legs.append(Leg(self.source, name, drill, before, first))
        return self.legs[-1]

    @property
    def goes_on(self) -> bool:
        """Return whether a failover that was asked for may still run."""
        return any(leg.goes_on for leg in self.legs)

    def going_on(self) -> tuple[str, ...]:
        """Return what people should know of a failover that goes on without the drill."""
        lines = []
        for leg in self.legs:
            if leg.goes_on and leg.operation is not None:
                name = leg.operation.id
                lines.append(
                    f"The failover goes on. Follow it with `gcloud sql operations wait {name} "
                    f"--project {self.source.cloud.project}`; the next drill tells how it ended."
                )
            elif leg.goes_on:
                lines.append(
                    "Perhaps a failover was begun: see `gcloud sql operations list --instance "
                    f"{self.source.instance}`; the next drill tells."
                )
        return tuple(lines)

    def can_go_back(self) -> bool:
        """Tell whether a failback may follow; keep why not."""
        leg = self.legs[-1]
        if leg.trouble is None and leg.redundant_s is not None:
            return True
        words = "not tried: the failover did not end well, or the standby is not back"
        self.skipped = CheckResult("failback", State.UNKNOWN, 0, 1, words)
        return False

    def worth_keeping(self) -> tuple[str, ...]:
        """Return the drills whose rows are evidence of a loss."""
        read_legs = [leg for leg in self.legs if leg.read_back is not None]
        return tuple(
            leg.drill
            for leg in read_legs
            if leg.read_back and (leg.read_back.lost or leg.read_back.doubled)
        )


def report(course: Course, evidence: str, error: BaseException | None = None) -> Report:
    """Return what came out.

    Args:
        course: how far the drill came.
        evidence: where the evidence is going to lie.
        error: what cut the drill short, if anything did.
    """
    source = course.source
    checks = [Checked(BEFORE, check.result) for check in course.prechecks]
    for leg in course.legs:
        results = judge(leg, source.gap_target_s, source.reconnect_target_s)
        checks += [Checked(leg.name, result) for result in results]
    if isinstance(error, LeaseLostError):  # another drill may have failed it over meanwhile
        checks = [check if check.copy == BEFORE else unsure(check) for check in checks]
    if course.skipped is not None:
        checks.append(Checked(DRILL, course.skipped))
    checks.append(Checked(DRILL, _completed(error)))
    if course.leftovers:
        words = f"left: {'; '.join(course.leftovers)}"
        checks.append(Checked(DRILL, CheckResult("leftovers", State.OK, 1, 1, words)))
    return Report(
        run=course.run,
        stack=source.stack,
        source=source.instance,
        started=course.started,
        ended=datetime.now(UTC),
        checks=tuple(checks),
        legs=tuple(course.legs),
        settled=course.settled,
        leftovers=course.leftovers,
        evidence=evidence,
        writer=source.writer,
        targets={
            WRITE_GAP: source.gap_target_s * 1000,
            COMMITS_LOST: 0,
            RECONNECT: source.reconnect_target_s * 1000,
        },
    )


def _completed(error: BaseException | None) -> CheckResult:
    if error is None:
        return CheckResult("completed", State.OK, 1, 1, "it ended by itself")
    words = f"the drill did not end: {reason(error)}"
    return CheckResult("completed", State.UNKNOWN, 0, 1, words)
