"""Before a concurrent statement begins: wait for those that it would wait for half done."""

from time import monotonic, sleep

from ops import waiting
from ops.console import Progress
from ops.db import Connection
from ops.errors import OpsError
from ops.indexbuild import regclass
from ops.migrations.facts import Detach, IndexBuild, IndexDrop, Reindex
from ops.migrations.steps import Step
from ops.waiting import EVERYBODY, WRITERS, Blocker, Demand, duration, named, remedy

_POLL_S, _POLL_MOST_S = 0.05, 0.5
# On a busy server there is always somebody for a moment; younger ones are worth no line.
_WORTH_A_LINE_S = 2.0
_LINE_EVERY_S = 5.0


class HeldUpError(OpsError):
    """A statement with CONCURRENTLY would wait for transactions that last."""

    def __init__(self, step: Step, holders: tuple[Blocker, ...], waited_s: float) -> None:
        self.holders = holders
        super().__init__(
            f"{step.place}: {step.statements[0].facts.alone} would wait for {named(holders)}. It "
            f"was not begun within {duration(waited_s)}: {remedy(holders)}; then run "
            f"`invoke migrate.{step.direction}` again."
        )


def demand(step: Step) -> Demand | None:
    """Return what a step waits for in the middle of its work; None where for nothing."""
    match step.effect:
        case IndexBuild() as build:
            return Demand((regclass(build.schema, build.table),), WRITERS, snapshots=True)
        case IndexDrop() as drop:
            return Demand((regclass(drop.schema, drop.name),), EVERYBODY, snapshots=False)
        case Reindex() as reindex:
            relations = (regclass(reindex.schema, reindex.name),)
            return Demand(relations, EVERYBODY, snapshots=True, parts=True)
        case Detach() as detach:
            parent = regclass(detach.schema, detach.table)
            partition = regclass(detach.partition_schema, detach.partition)
            return Demand((parent, partition), EVERYBODY, snapshots=False)
        case _:
            return None


def wait_for_holders(
    connection: Connection, step: Step, limit_s: float, progress: Progress
) -> None:
    """Wait until everybody is gone who holds the step up now; who comes later does not count.

    Args:
        connection: the runner's session, with the step's settings.
        step: what is about to run.
        limit_s: the longest wait, in seconds.
        progress: shows for whom it waits.

    Raises:
        HeldUpError: somebody stays for too long; the step was not begun.
    """
    lock = demand(step)
    if lock is None:
        return
    looked = waiting.holders(connection, lock)
    holders = tuple(holder for holder in looked if holder.certain)
    command = step.statements[0].facts.alone
    if unknown := tuple(holder for holder in looked if not holder.certain):
        progress.line(
            f"{step.place}: whether {command} has to wait for {named(unknown)} is unknown; "
            "GRANT pg_read_all_stats TO the role that migrates lets it know."
        )
    start, poll_s = monotonic(), _POLL_S
    oldest_s = max((holder.age_s for holder in holders), default=0)
    next_line = 0 if oldest_s >= _WORTH_A_LINE_S else _WORTH_A_LINE_S
    while holders:
        waited_s = monotonic() - start
        if waited_s >= limit_s:
            raise HeldUpError(step, holders, waited_s)
        if waited_s >= next_line:
            next_line = waited_s + _LINE_EVERY_S
            so_far = f"{duration(waited_s)} so far, " if waited_s >= 1 else ""
            progress.line(
                f"{step.place}: {command} is not begun yet, it would wait for {named(holders)}; "
                f"{so_far}at most {duration(limit_s)}"
            )
        sleep(poll_s)
        poll_s = min(poll_s * 2, _POLL_MOST_S)
        holders = waiting.remaining(holders, waiting.holders(connection, lock))
