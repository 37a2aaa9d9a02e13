"""Tells whether the newest commits can be recovered: how far behind the archive of WAL is.

The Admin API says up to when recovery reaches. A database that is idle archives nothing new,
so where that is long ago the server is asked whether anything waits. What the running segment
holds is archived when that is full or archive_timeout is over, and not before.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ops import durations, sql
from ops.backups.policy import UPLOAD_INTERVAL
from ops.checks.result import CheckResult, State
from ops.cloudsql import RecoveryWindow
from ops.db import Connection, statement

CHECK = "latest_recovery"
_REMEDY = (
    "Look at the instance's log: its archive may be full or may not be reached. Until it goes on, "
    "`invoke backup.create` is what keeps the newest commits."
)


# A segment that waits for longer is not only on its way: the archiver looks for new ones once a
# minute at least (PGARCH_AUTOWAKE_INTERVAL of PostgreSQL's src/backend/postmaster/pgarch.c).
WAIT_LIMIT_S = 60.0
HEADER_BYTES = 40  # of a segment's first page: SizeOfXLogLongPHD of access/xlog_internal.h


@dataclass(frozen=True, slots=True)
class Archiver:
    """What a server says of its archiving.

    Attributes:
        archives: whether it archives at all (``archive_mode``).
        failing: whether the last try failed.
        failed: the segment that it failed for.
        waiting: how many finished segments are not archived.
        oldest_s: for how long the oldest of them has waited, in seconds; None for none.
        timeout_s: after so many seconds a segment with new commits is finished; 0 for never.
        running: the number of the segment that is written, from the beginning of the log.
        running_bytes: how much of it is written.
    """

    archives: bool
    failing: bool
    failed: str | None
    waiting: int
    oldest_s: float | None
    timeout_s: int
    running: int
    running_bytes: int


def archiver(connection: Connection) -> Archiver:
    """Ask a server, which must be a primary."""
    row = connection.execute(statement(sql.load("backup/archiver"))).fetchone()
    assert row is not None  # noqa: S101 - one row always
    return Archiver(*row)


def behind(window: RecoveryWindow | None, rpo_target_s: float, now: datetime) -> bool:
    """Tell whether recovery ends so long ago that the server has to be asked why."""
    return _lag(window, now) > _limit(rpo_target_s)


def latest(
    window: RecoveryWindow | None,
    rpo_target_s: float,
    now: datetime,
    server: Archiver | None,
    why: str = "",
) -> CheckResult:
    """Tell whether the newest commits can be recovered.

    Args:
        window: what the API tells; None where it tells nothing.
        rpo_target_s: the most that may be lost, in seconds; the log's own way is added.
        now: by the clock that the instance lives by.
        server: what the server says; None where it was not asked or does not answer.
        why: why it does not.
    """
    limit = _limit(rpo_target_s)
    lag = _lag(window, now)
    when = "the API does not tell up to when recovery reaches"
    if window is not None and window.latest is not None:
        late, allowed = durations.words(lag), durations.words(limit)
        when = f"recovery reaches up to {late} ago, the limit is {allowed}"
    if lag <= limit:
        return CheckResult(CHECK, State.OK, 1, 1, when)
    if server is None:
        remedy = f"{why} An idle database archives nothing: the server has to be asked.".strip()
        return CheckResult(CHECK, State.UNKNOWN, 0, 1, when, remedy=remedy)
    return _behind(when, limit, server)


def _behind(when: str, limit: timedelta, server: Archiver) -> CheckResult:
    """Tell an idle server, which has nothing to archive, from an archive that stands."""
    if not server.archives:
        words = f"{when}; archive_mode is off, so how the log is kept can't be seen"
        remedy = "See the instance's operations, and prove recovery with `invoke restore-drill`."
        return CheckResult(CHECK, State.UNKNOWN, 0, 1, words, remedy=remedy)
    if server.failing:
        words = f"{when}: archiving fails, last for segment {server.failed}"
        return CheckResult(CHECK, State.FINDING, 1, 1, words, remedy=_REMEDY)
    if (server.oldest_s or 0.0) > WAIT_LIMIT_S:
        count = f"{server.waiting} finished segment{'s' if server.waiting > 1 else ''}"
        words = f"{when}: {count} of the log waits to be archived"
        return CheckResult(CHECK, State.FINDING, 1, 1, words, remedy=_REMEDY)
    if 0 < server.timeout_s <= limit.total_seconds():
        words = f"{when}; every finished segment of the log is archived or just on its way"
        if server.running_bytes > HEADER_BYTES:
            words += (
                f". The running one is not: {server.running_bytes} bytes, finished at the latest "
                f"{server.timeout_s} s after a commit"
            )
        facts = {"running_bytes": server.running_bytes, "timeout_s": server.timeout_s}
        return CheckResult(CHECK, State.OK, 1, 1, words, evidence=facts)
    words = f"{when}; archive_timeout is {server.timeout_s} s, so commits may wait unarchived"
    remedy = "Set archive_timeout, so that a segment is archived before it is full."
    return CheckResult(CHECK, State.UNKNOWN, 0, 1, words, remedy=remedy)


def _limit(rpo_target_s: float) -> timedelta:
    return timedelta(seconds=rpo_target_s) + UPLOAD_INTERVAL


def _lag(window: RecoveryWindow | None, now: datetime) -> timedelta:
    if window is None or window.latest is None:
        return timedelta.max
    return now - window.latest
