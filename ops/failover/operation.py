"""The failover itself: asked for with its intent written down, followed, found again.

The Admin API has no request ids. What was asked before an answer was lost, or before the
process was killed, is found among the instance's operations.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ops.cloudsql import (
    ApiError,
    CloudSql,
    Operation,
    OperationFailedError,
    UnreachableError,
    WaitTimeoutError,
    once,
)
from ops.failover.source import ROOM, Source
from ops.failover.standing import Standing
from ops.journal import Entry, Journal, unfinished

_PAUSE_S, _PAUSE_MOST_S = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A failover that was asked for: the journal's entry, the operation, and when it was."""

    entry: Entry
    operation: Operation
    at: float


def ask(source: Source, journal: Journal, stands: Standing) -> Asked:
    """Ask for a failover.

    Raises:
        ops.cloudsql.ApiError: it was refused, with the API's reason; nothing was begun.
        ops.cloudsql.UnreachableError: nobody answers, and no operation was begun.
    """
    cloud = source.cloud
    facts = {once.AFTER: once.newest(cloud, source.instance)}
    entry = journal.intend("failover", source.instance, zone=stands.zone, **facts)
    at = time.monotonic()
    try:
        # not tried again while another operation runs: what was looked at would no longer hold
        failover = cloud.bounded(busy_s=0.0).failover(source.instance, stands.settings_version)
    except ApiError as error:
        if not once.is_doubtful(error):
            journal.done(entry)
        raise
    return Asked(journal.started(entry, failover.id), failover, at)


def follow(
    cloud: CloudSql, operation: Operation, limit_s: float, each: Callable[[], None]
) -> Operation:
    """Wait until an operation is done, however often the API doesn't answer meanwhile.

    Args:
        cloud: whose operation it is.
        operation: the operation as it was asked for.
        limit_s: how long to wait, in seconds.
        each: called between two looks.

    Raises:
        ops.cloudsql.OperationFailedError: it ended with an error.
        ops.cloudsql.WaitTimeoutError: it still runs, as far as the API told.
        ops.cloudsql.UnreachableError: nobody answers to the end.
        ops.cloudsql.ApiError: the API refuses to tell.
    """
    deadline, pause, now = time.monotonic() + limit_s, _PAUSE_S, operation
    while now.status != "DONE":
        each()
        time.sleep(pause)
        pause = min(pause * 1.4, _PAUSE_MOST_S)
        late = time.monotonic() > deadline
        try:
            now = cloud.operation(operation.id)
        except UnreachableError:
            if late:
                raise
        except ApiError as error:
            if late or not once.may_pass(error):
                raise
        else:
            if late and now.status != "DONE":
                raise WaitTimeoutError(now, limit_s)
    if now.errors:
        raise OperationFailedError(now)
    return now


def settle(source: Source) -> tuple[str, ...]:
    """Return what became of the failovers of drills that did not end, and forget those drills.

    One whose failover still runs is not forgotten.
    """
    lines = []
    for journal in unfinished(source.store, ROOM):
        fate, over = _fate(source, journal.entries())
        lines.append(f"drill {journal.run} did not end: {fate}")
        if over:
            journal.close()
    return tuple(lines)


def _fate(source: Source, entries: Sequence[Entry]) -> tuple[str, bool]:
    """Return what became of a drill's last failover, and whether it is over."""
    if not entries or not (entry := entries[-1]).object:
        return "it had asked for nothing", True
    failover = _of(source, entry)
    if failover is None:
        return "no failover was begun", True
    name = f"its failover, operation {failover.id},"
    if failover.errors:
        return f"{name} failed: {'; '.join(words for _, words in failover.errors)}", True
    if failover.status != "DONE":
        return f"{name} still runs", False
    ended = f" at {failover.ended:%Y-%m-%d %H:%M:%S} UTC" if failover.ended else ""
    return f"{name} ended well{ended}", True


def _of(source: Source, entry: Entry) -> Operation | None:
    if entry.operation:
        return source.cloud.operation(entry.operation)
    if entry.done:
        return None
    return once.find_intended(source.cloud, once.Call(source.instance, once.FAILOVER), entry)
