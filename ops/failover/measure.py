"""What the clients' logs say of a failover: pure, in seconds of the monotonic clock."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ops.failover.seen import Log


@dataclass(frozen=True, slots=True)
class Gap:
    """The longest time without an acknowledged write.

    Attributes:
        began: when the last one before it was acknowledged.
        ended: when the first one after it was; or when nobody waited for one any longer.
        open: whether none came after it.
    """

    began: float
    ended: float
    open: bool = False

    @property
    def seconds(self) -> float:
        """Return how long it was; where it is open, how long it was at least."""
        return self.ended - self.began


def longest(times: Iterable[float], since: float, until: float) -> Gap:
    """Return the longest gap that reaches into a stretch of time.

    Args:
        times: of what was acknowledged, in any order.
        since: when the stretch begins: what was acknowledged last before it counts too.
        until: when the clients were told to stop.
    """
    ordered = sorted(times)
    before = [at for at in ordered if at <= since]
    marks = [before[-1] if before else since, *(at for at in ordered if since < at <= until)]
    gaps = [Gap(*pair) for pair in itertools.pairwise(marks)]
    gaps.append(Gap(marks[-1], max(until, marks[-1]), open=True))
    return max(gaps, key=lambda gap: gap.seconds)


@dataclass(frozen=True, slots=True)
class Outage:
    """What a failover was for its clients.

    Attributes:
        asked: when it was asked for.
        gap: of all writers together: how long nobody could write.
        pool: of those that use the pool.
        by_client: each client's own, by its name.
        reconnect: from the pool's first failed use to its next connection; None where no
            use failed. ``open`` where it made none.
        errors: what the application would have seen, by SQLSTATE or class: how many times.
        committed, not_committed: writes in doubt, as the next try showed.
    """

    asked: float
    gap: Gap
    pool: Gap
    by_client: dict[str, Gap]
    reconnect: Gap | None
    errors: Counter[str] = field(default_factory=Counter)
    committed: int = 0
    not_committed: int = 0

    @property
    def first_write_s(self) -> float:
        """Return the seconds from the question to the first write after the gap."""
        return self.gap.ended - self.asked


def outage(
    logs: Sequence[Log], connected: Sequence[float], called_at: float, until: float
) -> Outage:
    """Return what a failover was for its clients.

    Args:
        logs: the writers'.
        connected: when each connection of the pool was made.
        called_at: when the failover was asked for.
        until: when the clients were told to stop.
    """
    pooled = [log for log in logs if log.pooled]
    errors: Counter[str] = Counter()
    for log in logs:
        errors += log.errors
    return Outage(
        asked=called_at,
        gap=longest((at for log in logs for at in log.acknowledged), called_at, until),
        pool=longest((at for log in pooled for at in log.acknowledged), called_at, until),
        by_client={log.name: longest(log.acknowledged, called_at, until) for log in logs},
        reconnect=_reconnect(pooled, connected, called_at, until),
        errors=errors,
        committed=sum(log.committed for log in logs),
        not_committed=sum(log.not_committed for log in logs),
    )


def _reconnect(
    pooled: Sequence[Log], connected: Sequence[float], called_at: float, until: float
) -> Gap | None:
    failed = [at for log in pooled for at in log.failed if at >= called_at]
    if not failed:
        return None
    first = min(failed)
    after = [at for at in connected if at > first]
    return Gap(first, min(after)) if after else Gap(first, until, open=True)


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What of the acknowledged writes is there.

    Attributes:
        acknowledged: how many were.
        lost: acknowledged and not there: pairs of client and number.
        doubled: there more than once.
        pending: writes that were in doubt to the end, and how many of them had come in.
        arrived: of these, how many are there.
        rows: how many rows there are.
    """

    acknowledged: int
    lost: tuple[tuple[str, int], ...]
    doubled: tuple[tuple[str, int], ...]
    pending: int
    arrived: int
    rows: int


def read_back(logs: Sequence[Log], rows: Iterable[tuple[int, int]]) -> ReadBack:
    """Hold what is there against what was acknowledged.

    Args:
        logs: the writers', in their order.
        rows: writer and number of every row that is there.
    """
    counted = Counter(rows)
    lost = [
        (log.name, number)
        for writer, log in enumerate(logs)
        for number in range(len(log.acknowledged))
        if not counted[writer, number]
    ]
    doubled = [(logs[writer].name, number) for (writer, number), n in counted.items() if n > 1]
    pending = [(w, len(log.acknowledged)) for w, log in enumerate(logs) if log.pending]
    return ReadBack(
        acknowledged=sum(len(log.acknowledged) for log in logs),
        lost=tuple(lost),
        doubled=tuple(sorted(doubled)),
        pending=len(pending),
        arrived=sum(1 for key in pending if counted[key]),
        rows=counted.total(),
    )


def ranges(pairs: Sequence[tuple[str, int]]) -> tuple[tuple[str, str], ...]:
    """Return writers and their writes, numbers that follow each other drawn together."""
    drawn: list[tuple[str, str]] = []
    start = previous = None
    for pair in [*sorted(pairs), None]:
        if previous and pair == (previous[0], previous[1] + 1):
            previous = pair
            continue
        if start and previous:
            numbers = f"{start[1]}" if start == previous else f"{start[1]} to {previous[1]}"
            drawn.append((start[0], f"write {numbers}"))
        start = previous = pair
    return tuple(drawn)
