"""One failover of a drill, there or back: what is known of it so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ops.checks.result import CheckResult
from ops.cloudsql import Operation
from ops.failover.measure import Outage, ReadBack, outage
from ops.failover.seen import Log
from ops.failover.source import Source
from ops.failover.standing import Server, Standing

BACK = "failback"


@dataclass(frozen=True, slots=True)
class Followed:
    """How a replica came through.

    Attributes:
        name: the replica's.
        reads: how many it answered.
        gap_s: the longest time without an answer.
        errors: failed reads, by SQLSTATE or class.
        caught_up_s: until it had every write; None where it had not in time.
        timeline: that it replays then; None where it doesn't tell.
        why: what kept it from being asked, else empty.
    """

    name: str
    reads: int
    gap_s: float
    errors: dict[str, int]
    caught_up_s: float | None
    timeline: int | None
    why: str = ""


@dataclass(slots=True)
class Leg:
    """One failover.

    Attributes:
        source: what is failed over.
        name: ``failover`` or ``failback``.
        drill: by which its rows are known.
        before, after: how the instance stands, as the API tells it.
        first, last: which PostgreSQL answered before, and after.
        logs, reads: what the writers saw, and the readers of the replicas.
        connected: when the pool made its connections.
        asked, stopped: when the failover was asked for, and the writers were told to stop.
        operation: as it was seen last.
        trouble: of the operation, where it did not end well.
        read_back: what is there of the acknowledged writes; None where nobody could look.
        blind: why nobody could, else empty.
        replicas: how they came through.
        redundant_s: from the question until the standby was counted on again; None where it
            was not in time.
        ended: whether it was looked at to its end.
    """

    source: Source
    name: str
    drill: str
    before: Standing
    first: Server
    logs: Sequence[Log] = ()
    reads: Sequence[Log] = ()
    connected: Sequence[float] = ()
    asked: float | None = None
    stopped: float | None = None
    operation: Operation | None = None
    trouble: CheckResult | None = None
    read_back: ReadBack | None = None
    blind: str = ""
    after: Standing | None = None
    last: Server | None = None
    replicas: list[Followed] = field(default_factory=list)
    redundant_s: float | None = None
    ended: bool = False

    @property
    def title(self) -> str:
        """Return what is done, in words."""
        back = "back" if self.name == BACK else "over"
        where = f" to {self.before.secondary_zone}" if self.before.secondary_zone else ""
        return f"Fail {self.source.instance} {back}{where}"

    @property
    def goes_on(self) -> bool:
        """Return whether its failover was asked for and may still run."""
        return self.asked is not None and (
            self.operation is None or self.operation.status != "DONE"
        )

    @property
    def rows(self) -> int | None:
        """Return how many of the drill's rows are there; None where nobody could look."""
        return None if self.read_back is None else self.read_back.rows

    @property
    def outage(self) -> Outage | None:
        """Return what the failover was for its clients; None before they were stopped."""
        if self.asked is None or self.stopped is None:
            return None
        return outage(self.logs, self.connected, self.asked, self.stopped)

    @property
    def lost(self) -> int | None:
        """Return how many acknowledged writes are not there; None where nobody looked."""
        return None if self.read_back is None else len(self.read_back.lost)

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        out, back = self.outage, self.read_back
        after, last = self.after, self.last
        return {
            "gap_ms": None if out is None else ms(out.gap.seconds),
            "pool_gap_ms": None if out is None else ms(out.pool.seconds),
            "writer_gaps_ms": {}
            if out is None
            else {name: ms(gap.seconds) for name, gap in out.by_client.items()},
            "first_write_ms": None if out is None else ms(out.first_write_s),
            "reconnect_ms": None
            if out is None or out.reconnect is None
            else ms(out.reconnect.seconds),
            "came_back": out is not None and not out.gap.open and not out.pool.open,
            "acknowledged": sum(len(replica.acknowledged) for replica in self.logs),
            "lost": self.lost,
            "doubled": None if back is None else len(back.doubled),
            "in_doubt": None
            if out is None
            else {
                "committed": out.committed + (0 if back is None else back.arrived),
                "not_committed": out.not_committed
                + (0 if back is None else back.pending - back.arrived),
            },
            "errors": {} if out is None else dict(out.errors),
            "timeline": {
                "before": self.first.timeline,
                "after": None if last is None else last.timeline,
            },
            "zone": {"before": self.before.zone, "after": None if after is None else after.zone},
            "postmaster_started": {
                "before": self.first.started,
                "after": None if last is None else last.started,
            },
            "operation": None
            if self.operation is None
            else {"id": self.operation.id, "seconds": self.operation.seconds},
            "redundant_ms": None if self.redundant_s is None else ms(self.redundant_s),
            "replicas": [
                {
                    "name": replica.name,
                    "reads": replica.reads,
                    "gap_ms": ms(replica.gap_s),
                    "errors": replica.errors,
                    "caught_up_ms": None
                    if replica.caught_up_s is None
                    else ms(replica.caught_up_s),
                    "timeline": replica.timeline,
                }
                for replica in self.replicas
            ],
        }


def ms(seconds: float) -> float:
    """Return seconds as milliseconds, to the tenth."""
    return round(seconds * 1000, 1)
