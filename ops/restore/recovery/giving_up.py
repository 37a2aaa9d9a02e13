"""What becomes of a restore that fails or is given up: what we made goes, the rest is told."""

from contextlib import suppress

from ops.errors import OpsError
from ops.journal import Entry
from ops.restore import cleanup
from ops.restore.recovery.calls import Calls
from ops.restore.recovery.carry import MAKES
from ops.restore.recovery.order import Order, Task
from ops.restore.recovery.report import Abandoned


class CantAbandonError(OpsError):
    """The content is being replaced, or is replaced already."""

    def __init__(self, order: Order, safety: str) -> None:
        before = f" What was there before is in backup run {safety}." if safety else ""
        super().__init__(
            f"The restore of {order.content} over {order.instance} was asked for and can't be "
            f"taken back. Go on with `{order.command}`.{before}"
        )


class LeftBehindError(OpsError):
    """What a restore made can't be removed."""

    def __init__(self, order: Order, left: tuple[str, ...]) -> None:
        super().__init__(
            f"Left behind: {'; '.join(left)}. It is paid for: run `{order.command} --abandon` "
            "again."
        )


def after_failure(order: Order, calls: Calls) -> str:
    """Remove what a failed restore made and close its journal; return what is left, in words.

    Raises:
        ops.lease.LeaseLostError: another process went on with it, and what is there is its.
    """
    calls.confirm()
    if order.task is Task.IN_PLACE:
        outcome = _in_place(order, calls)
        calls.journal.close()
        return outcome
    entry = calls.entry(MAKES[order.task])
    if entry is None or not entry.operation:
        calls.journal.close()
        return "Nothing was made."
    left = cleanup.remove(calls.cloud, calls.journal, (order.instance,))
    if left:
        return (
            f"Left behind, half made: {'; '.join(left)}. It is paid for: "
            f"`{order.command} --abandon` removes it."
        )
    calls.journal.close()
    return f"Nothing is left of {order.instance}, which was made for it."


def _in_place(order: Order, calls: Calls) -> str:
    entry, safety = calls.entry("restore"), safety_of(calls)
    replicas = (
        f" These replicas are deleted: {', '.join(order.replicas)}." if order.replicas else ""
    )
    if entry is None:
        return (
            "Nothing was replaced. Where no backup can be taken, say why there is to be none: "
            f"`{order.command} --backup {order.backup} --no-backup-first REASON`."
        )
    if not entry.operation:
        return f"Nothing in {order.instance} was replaced.{replicas}"
    before = (
        f" What was there before is in backup run {safety}: `{order.command} --backup {safety}`."
        if safety
        else " No backup was taken before."
    )
    return f"See what {order.instance} holds now before it is used.{before}{replicas}"


def abandon(order: Order, calls: Calls) -> Abandoned:
    """Give an unfinished restore up: remove the instance that it made, forget its journal.

    Raises:
        CantAbandonError: content is being replaced.
        LeftBehindError: the instance can't be removed.
    """
    safety = safety_of(calls)
    if order.task is Task.IN_PLACE:
        if _was_called(calls, calls.entry("restore"), "RESTORE_VOLUME"):
            raise CantAbandonError(order, safety)
        calls.journal.close()
        return Abandoned(order.task, order, safety=safety)
    kind = "CREATE" if order.task is Task.TO_NEW else "CLONE"
    removed: tuple[str, ...] = ()
    calls.confirm()
    if _was_called(calls, calls.entry(MAKES[order.task]), kind):
        exists = calls.cloud.find(order.instance) is not None
        left = cleanup.remove(calls.cloud, calls.journal, (order.instance,))
        if left:
            raise LeftBehindError(order, left)
        removed = (order.instance,) if exists else ()
    calls.journal.close()
    return Abandoned(order.task, order, removed)


def _was_called(calls: Calls, entry: Entry | None, kind: str) -> bool:
    """Tell whether a call was made, also where its answer was never written down."""
    if entry is None:
        return False
    return bool(entry.operation) or calls.lost(entry, kind) is not None


def safety_of(calls: Calls) -> str:
    """Return the backup run that was taken first; empty where none was, or nobody can tell."""
    entry = calls.entry("backup")
    if entry is not None and entry.operation:
        with suppress(OpsError):
            operation = calls.cloud.operation(entry.operation)
            return "" if operation.errors else operation.backup_id
    return ""
