"""Asks the cloud for an operation, with the intent written down, and waits for its end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ops.cloudsql import (
    ApiError,
    CloudSql,
    Operation,
    OperationFailedError,
    UnreachableError,
    once,
)
from ops.console import Progress
from ops.errors import ExitCode, OpsError
from ops.journal import Entry, Journal, unfinished
from ops.store import Store

# A command given again within this time of one that did not see the end is its retry; what is
# asked for later is to have the changes since.
RETRY_LIMIT = timedelta(minutes=15)


class LostAnswerError(OpsError):
    """A call was made, and the API did not say whether it is carried out."""

    exit_code = ExitCode.UNKNOWN

    def __init__(self, entry: Entry, error: ApiError | UnreachableError) -> None:
        super().__init__(
            f"{error} Whether the {entry.action} of {entry.object} was begun is not known. Run the "
            "same command again: it looks for the operation first, and follows it."
        )


@dataclass(frozen=True, slots=True)
class Earlier:
    """An operation of an earlier command that did not see its end.

    Attributes:
        entry: what its journal says.
        operation: as it is now.
    """

    entry: Entry
    operation: Operation

    @property
    def is_recent(self) -> bool:
        """Return whether the command of now may be its retry."""
        return is_recent(self.entry)


def is_recent(entry: Entry) -> bool:
    """Return whether an entry was written so recently that its command may be given again."""
    return datetime.now(UTC) - datetime.fromisoformat(entry.at) < RETRY_LIMIT


def carry_out(
    cloud: CloudSql, journal: Journal, entry: Entry, ask: Callable[[], Operation]
) -> Operation:
    """Ask for the operation that an entry tells of, and wait for its end.

    Where it was refused or failed the journal is closed, for nothing is left to look after. A
    wait that was cut short and an answer that was lost leave it, and so does one that ends
    well: its caller closes it.

    Raises:
        ops.cloudsql.ApiError: it was refused.
        ops.cloudsql.OperationFailedError: it failed, with the API's reason.
        LostAnswerError: the API does not say whether it was begun.
    """
    try:
        operation = ask()
    except (ApiError, UnreachableError) as error:
        if once.is_doubtful(error):
            raise LostAnswerError(entry, error) from error
        journal.close()
        raise
    journal.started(entry, operation.id)
    try:
        return cloud.wait(operation)
    except OperationFailedError:
        journal.close()
        raise


def find_operation(
    cloud: CloudSql, journal: Journal, entry: Entry, call: once.Call
) -> Operation | None:
    """Return the operation of an entry as it is now; None where its call was not carried out.

    One whose answer was lost is found, and written down.
    """
    if entry.operation:
        return cloud.operation(entry.operation)
    operation = once.find_intended(cloud, call, entry)
    if operation is not None:
        journal.started(entry, operation.id)
    return operation


def settle(
    store: Store, cloud: CloudSql, progress: Progress, room: str, call: Callable[[Entry], once.Call]
) -> tuple[Earlier, ...]:
    """Tell what became of a room's files whose callers did not wait for their end.

    Args:
        store: where their journals are.
        cloud: the Admin API.
        progress: where it is told.
        room: export or import.
        call: returns how the operation of an entry is recognised.

    Returns:
        Those that still run or ended well; the next call hears no more of the latter.
    """
    earlier: list[Earlier] = []
    for journal in unfinished(store, room):
        in_progress = False
        for entry in journal.entries():
            operation = find_operation(cloud, journal, entry, call(entry))
            if operation is None:
                continue
            uri = entry.facts.get("uri")
            if operation.status != "DONE":
                in_progress = True
                progress.line(f"An earlier {room} goes on: {uri}")
            else:
                errors = operation.errors
                outcome = errors[0][1] if errors else "it is done, and was not read"
                progress.line(f"An earlier {room}, {uri}: {outcome}")
            if not operation.errors:
                earlier.append(Earlier(entry, operation))
        if not in_progress:
            journal.close()
    return tuple(earlier)
