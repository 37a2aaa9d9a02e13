"""The stages of a drill, each built from the one before: decided, verified, cleaned.

A drill that is cut short ends in the stage that it reached, and its report is made of that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ops.checks.result import CheckResult
from ops.restore.copies import CopyPlan, Kind, Made
from ops.restore.drill.cost import Cost
from ops.restore.drill.plan import DrillPlan
from ops.restore.proof.marker import Marker
from ops.restore.source import Source


@dataclass(frozen=True, slots=True)
class DrillStart:
    """What is known of a drill from its first moment.

    Attributes:
        source: the instance that is drilled.
        run: the drill's name.
        started: when it began.
        injected: the name of the fault that is injected, else empty.
        time_limit_s: after how many seconds it is stopped.
        side_by_side: how many copies there may be at once.
    """

    source: Source
    run: str
    started: datetime
    injected: str = ""
    time_limit_s: float = 0.0
    side_by_side: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """What is restored, decided from the source and its backups.

    Attributes:
        plan: the copies, and what the look at the backups found.
        cost: what the copies cost at most; None where there is no copy.
        looked: when the backups were listed, by the clock of their times.
        versions: of the database, by what bears them.
        other_databases: of the source, which no check looks at.
    """

    plan: DrillPlan
    cost: Cost | None = None
    looked: datetime | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    other_databases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """How far one copy has come.

    Attributes:
        plan: what it is to be.
        begun: whether any of it may exist.
        made: the copy; None where it does not answer yet.
        checks: those that have ended.
        verified_s: how long all of them took, in seconds; None where not all have ended.
        newest: when the newest heartbeat on it was written; None where that is not known.
    """

    plan: CopyPlan
    begun: bool = False
    made: Made | None = None
    checks: tuple[CheckResult, ...] = ()
    verified_s: float | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What came out of the copies.

    Attributes:
        copies: in the plan's order.
        marker: what the clone goes to; None where it was not set.
        latest_recovery_time: the newest time that the API could recover to.
    """

    copies: tuple[Copy, ...] = ()
    marker: Marker | None = None
    latest_recovery_time: datetime | None = None

    @property
    def clone(self) -> Copy | None:
        """Return the point-in-time clone, where there is one."""
        return next((copy for copy in self.copies if copy.plan.kind is Kind.CLONE), None)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What is left.

    Attributes:
        swept: what was cleaned up of earlier drills, a line each.
        leftovers: what could not be removed, of earlier drills too.
        complete: whether the clean-up went to its end.
        tidy: whether nothing of this drill is left, so that its journal may go.
    """

    swept: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    complete: bool = True
    tidy: bool = True


@dataclass(frozen=True, slots=True)
class Stages:
    """A drill as far as it came."""

    start: DrillStart
    decided: Decided | None = None
    verified: Verified = field(default_factory=Verified)
    cleaned: Cleaned = field(default_factory=Cleaned)

    @property
    def labels(self) -> Mapping[str, str]:
        """Return what people call each copy, by instance: ``backup``, ``backup 2``, ``clone``."""
        return {
            copy.plan.name: copy.plan.kind.value
            if number == 1 or copy.plan.kind is Kind.CLONE
            else f"backup {number}"
            for number, copy in enumerate(self.verified.copies, start=1)
        }
