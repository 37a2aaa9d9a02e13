"""Asks the cloud for an operation, with the intent written down, and waits for its end."""

from collections.abc import Callable

from ops.cloudsql import ApiError, CloudSql, Operation, OperationFailedError
from ops.console import Progress
from ops.journal import Entry, Journal, unfinished
from ops.store import Store


def carry_out(
    cloud: CloudSql, journal: Journal, entry: Entry, ask: Callable[[], Operation]
) -> Operation:
    """Ask for the operation that an entry tells of, and wait for its end.

    Where it was refused or failed the journal is closed, for nothing is left to look after. A
    wait that was cut short leaves it, and so does one that ends well: its caller closes it.

    Raises:
        ops.cloudsql.ApiError: it was refused.
        ops.cloudsql.OperationFailedError: it failed, with the API's reason.
    """
    try:
        asked = ask()
    except ApiError:
        journal.close()
        raise
    journal.started(entry, asked.id)
    try:
        return cloud.wait(asked)
    except OperationFailedError:
        journal.close()
        raise


def settle(store: Store, cloud: CloudSql, progress: Progress, room: str) -> None:
    """Tell what became of a room's files whose callers did not wait for their end."""
    for journal in unfinished(store, room):
        for entry in journal.entries():
            if not entry.operation:
                continue
            operation = cloud.operation(entry.operation)
            if operation.status != "DONE":
                progress.line(f"An earlier {room} goes on: {entry.facts.get('uri')}")
                break
            how = operation.errors[0][1] if operation.errors else "it is done, and was not read"
            progress.line(f"An earlier {room}, {entry.facts.get('uri')}: {how}")
        else:
            journal.close()
