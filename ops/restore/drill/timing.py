"""How long a restore takes, by phase, and what it loses: RTO and RPO."""

from dataclasses import dataclass
from datetime import datetime

from ops.checks.result import CheckResult, State
from ops.cloudsql import Operation
from ops.restore.copies import Made


@dataclass(frozen=True, slots=True)
class Phases:
    """How long one copy took, in seconds.

    Attributes:
        queue: operations waited for their turn, by their own times.
        create: making the instance to restore into; 0 for a clone.
        restore: the restore or the clone itself, by its operation's own times.
        start: from its end to the first connection.
        first_query: from there to the first answer.
        verified: from there to the last check's end.
    """

    queue: float
    create: float
    restore: float
    start: float
    first_query: float
    verified: float

    @property
    def total(self) -> float:
        """Return the time from the first call to a checked copy, without our own waits."""
        return round(sum(self.by_name().values()), 3)

    def by_name(self) -> dict[str, float]:
        """Return the seconds by phase, in order."""
        return {name: getattr(self, name) for name in self.__slots__}

    def document(self) -> dict[str, float]:
        """Return what JSON shows."""
        return {
            name: round(value, 3)
            for name, value in (*self.by_name().items(), ("total", self.total))
        }


def phases(copy: Made, verified_s: float) -> Phases:
    """Return the phases of one copy, to the millisecond: every report shows the same figures."""
    *before, last = copy.operations
    return Phases(
        queue=round(sum(_queue_s(operation) for operation in copy.operations), 3),
        create=round(sum(operation.seconds or 0.0 for operation in before), 3),
        restore=round(last.seconds or 0.0, 3),
        start=round(copy.start_s, 3),
        first_query=round(copy.first_query_s, 3),
        verified=round(verified_s, 3),
    )


def _queue_s(operation: Operation) -> float:
    if operation.inserted is None or operation.started is None:
        return 0.0
    return max(0.0, (operation.started - operation.inserted).total_seconds())


def rto(slowest: Phases | None, target_s: float) -> CheckResult:
    """Hold the slowest restore against the stack's target."""
    if slowest is None:
        return CheckResult("rto", State.UNKNOWN, 0, 1, "no copy was restored: there is no time")
    facts = {"target_s": target_s, "total_s": round(slowest.total, 3)}
    words = (
        f"a copy was restored and checked in {slowest.total:.1f} s; the target is {target_s:g} s"
    )
    if slowest.total > target_s:
        remedy = "Find the longest phase in rto_s, or correct the stack's drillRtoTargetSeconds."
        return CheckResult("rto", State.FINDING, 1, 1, words, evidence=facts, remedy=remedy)
    return CheckResult("rto", State.OK, 1, 1, words, evidence=facts)


@dataclass(frozen=True, slots=True)
class Loss:
    """What would be lost: by the point-in-time clone, else by the newest backup.

    Attributes:
        failed_at: the moment that was recovered to.
        newest: when the newest recovered heartbeat was written, or the backup was begun; None
            where there is none.
        latest_recovery_time: what the API called the newest time it could recover to.
        backup: the backup run that is all there is, where there is no clone; else empty.
    """

    failed_at: datetime
    newest: datetime | None
    latest_recovery_time: datetime | None
    backup: str = ""

    @property
    def seconds(self) -> float | None:
        """Return the recovery point objective as it was met, in seconds."""
        if self.newest is None:
            return None
        return round(max(0.0, (self.failed_at - self.newest).total_seconds()), 3)


def rpo(loss: Loss | None, target_s: float) -> CheckResult:
    """Hold what was lost against the stack's target."""
    if loss is None or loss.seconds is None:
        words = "no heartbeat was recovered: what was lost is not known"
        return CheckResult("rpo", State.UNKNOWN, 0, 1, words)
    facts = {"target_s": target_s, "lost_s": round(loss.seconds, 3)}
    words = (
        f"the newest recovered heartbeat is {loss.seconds:.3f} s older than the moment asked for"
    )
    if loss.backup:
        words = f"backup {loss.backup} is {loss.seconds:.0f} s old, and nothing newer can be had"
    if loss.seconds > target_s:
        remedy = "Look at the archive of WAL, or correct the stack's drillRpoTargetSeconds."
        return CheckResult("rpo", State.FINDING, 1, 1, words, evidence=facts, remedy=remedy)
    return CheckResult("rpo", State.OK, 1, 1, words, evidence=facts)
