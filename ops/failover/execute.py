"""One failover from its first write to its last look."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

from ops.checks.result import CheckResult, State
from ops.cloudsql import CloudSql, OperationFailedError
from ops.console import Phase, Progress
from ops.errors import OpsError
from ops.failover import aftermath, operation
from ops.failover.leg import Leg
from ops.failover.plan import Options
from ops.failover.readers import reading
from ops.failover.standing import Replica, replicas
from ops.failover.writers import Writers, writing
from ops.journal import Journal

WARM_S = 20.0  # how long the clients may take to begin
_LOOK_S = 0.1  # between two looks at the writers


class NotWritingError(OpsError):
    """The clients don't write although nothing has happened yet."""

    def __init__(self, silent: int, errors: Counter[str]) -> None:
        seen = ", ".join(errors) or "they got no connection"
        super().__init__(
            f"{silent} of the drill's clients could not write, so nothing was failed over: {seen}. "
            "Give fewer --writers, or a larger pool (poolSize)."
        )


def execute(
    leg: Leg,
    options: Options,
    journal: Journal,
    progress: Progress,
    confirm: Callable[[], None] = lambda: None,
) -> None:
    """Fail the instance over once while clients write and read, and look at what came of it.

    Args:
        leg: the failover.
        options: the caller's.
        journal: of the drill.
        progress: where it shows itself.
        confirm: called before the failover is asked for; raises where another process went on.

    Raises:
        NotWritingError: the clients could not write before it.
        ops.cloudsql.ApiError: the API refused to fail over.
    """
    source = leg.source
    followers = replicas(source.cloud, leg.before.replicas, source.database)
    with ExitStack() as clients:
        reads = clients.enter_context(reading(source, followers, leg.drill))
        writers = clients.enter_context(writing(source, leg.drill, options.clients, options.rate))
        leg.logs, leg.connected, leg.reads = writers.logs, writers.connected, reads
        try:
            with progress.phase(f"Write from {len(writers.logs)} clients") as phase:
                _warm(writers, options, phase)
            confirm()
            _go(leg, writers, options, journal, progress)
        finally:
            writers.stop()
            leg.stopped = time.monotonic()
    _look_afterwards(leg, followers, options, progress)
    leg.ended = True


def _go(leg: Leg, writers: Writers, options: Options, journal: Journal, progress: Progress) -> None:
    with progress.phase(f"{leg.title} while they write") as phase:
        _fail_over(leg, writers, options, journal, phase)
    if leg.trouble is not None and leg.trouble.state is State.UNKNOWN:
        return
    with progress.phase("Wait until every client writes again") as phase:
        limit_s = max(leg.source.reconnect_target_s, 3 * writers.every_s)
        if _until(writers, time.monotonic(), limit_s, phase):
            _pause(writers, options.after_s, phase)


def _warm(writers: Writers, options: Options, phase: Phase) -> None:
    """Let every client write before anything happens."""
    if not _until(writers, 0.0, WARM_S + writers.every_s, phase):
        silent = [log for log in writers.logs if not log.acknowledged]
        raise NotWritingError(len(silent), sum((log.errors for log in silent), Counter()))
    _pause(writers, options.before_s, phase)


def _until(writers: Writers, since: float, limit_s: float, phase: Phase) -> bool:
    """Wait until every client had a write acknowledged since a moment; return whether they had."""
    deadline = time.monotonic() + limit_s
    while not writers.all_wrote_since(since):
        if time.monotonic() > deadline:
            return False
        _tell(writers, phase)
        time.sleep(_LOOK_S)
    return True


def _pause(writers: Writers, seconds: float, phase: Phase) -> None:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        _tell(writers, phase)
        time.sleep(min(_LOOK_S, left))


def _tell(writers: Writers, phase: Phase) -> None:
    phase.note(f"{writers.acknowledged} writes, {writers.failed} errors")


def _fail_over(
    leg: Leg, writers: Writers, options: Options, journal: Journal, phase: Phase
) -> None:
    cloud: CloudSql = leg.source.cloud
    leg.asked = time.monotonic()
    try:
        call = operation.ask(leg.source, journal, leg.before)
    except OpsError:
        leg.asked = None  # refused, and nothing was begun
        raise
    leg.asked, leg.operation = call.at, call.operation
    try:
        leg.operation = operation.follow(
            cloud, call.operation, options.limit_s, lambda: _tell(writers, phase)
        )
    except OperationFailedError as error:
        leg.operation, leg.trouble = error.operation, _trouble(State.FINDING, error)
    except OpsError as error:  # it goes on for all we know
        leg.trouble = _trouble(State.UNKNOWN, error)
        return
    journal.done(call.entry)
    aftermath.redundancy(leg, 0.0)


def _trouble(state: State, error: OpsError) -> CheckResult:
    remedy = "See the instance's operations, and drill again." if state is State.FINDING else ""
    words = str(error).rstrip(".")
    return CheckResult("operation", state, int(state is State.FINDING), 1, words, remedy=remedy)


def _look_afterwards(
    leg: Leg, followers: tuple[Replica, ...], options: Options, progress: Progress
) -> None:
    with progress.phase("Read every acknowledged write back"):
        aftermath.read_back(leg)
        aftermath.follow(leg, followers)
    if leg.trouble is None or leg.trouble.state is not State.UNKNOWN:
        with progress.phase("Wait for the standby"):
            aftermath.redundancy(leg, options.limit_s)
