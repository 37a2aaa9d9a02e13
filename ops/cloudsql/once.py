"""A call that is carried out once, although its answer may be lost.

The Admin API has no request ids. A call whose answer is lost is found again among the
operations of its instance: it is newer than all that were there before the call, has the
type of the call, and works on the object of the call.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Protocol

from ops import statuses
from ops.cloudsql.errors import ApiError, UnreachableError
from ops.cloudsql.model import BackupRun, Operation
from ops.journal import Entry

BUSY = "operationInProgress"

_VERSION = "settingsVersion"  # every change counts it up
FAILOVER = "FAILOVER"  # the operation's type
AFTER = "after"  # the fact of an entry: the newest operation that was there before the call
CLOCK_SKEW = timedelta(seconds=60)  # between this machine and the API, at most
LOOK_S = 30.0  # how long to look for a lost call while the API does not answer
ON_ITS_WAY_S = 5.0  # how long a request whose answer was lost may take to show up
ROOM_S = 1.0  # likewise, where the API says that it has no room: mostly nothing was begun
LOOK_PAUSE_S = 0.5


def never(_operation: Operation) -> bool:
    """Accept no operation: nothing shows whose it is."""
    return False


def _any(_operation: Operation) -> bool:
    """Accept every operation of the type."""
    return True


@dataclass(frozen=True, slots=True)
class Call:
    """How the operation of a call is recognised.

    Attributes:
        instance: the instance whose operations list it.
        type: the operation's type.
        ours: tells it from somebody else's of that type.
        repeatable: whether it does no harm, and does not more, when it is carried out twice.
    """

    instance: str
    type: str
    ours: Callable[[Operation], bool] = _any
    repeatable: bool = False


class Operations(Protocol):
    """Lists operations: the Admin API."""

    def operations(self, instance: str) -> tuple[Operation, ...]:
        """Return the newest operations on an instance, the newest first."""


class Backups(Protocol):
    """Lists backup runs: the Admin API."""

    def backup_runs(self, name: str) -> tuple[BackupRun, ...]:
        """Return an instance's backup runs."""


def may_pass(error: Exception) -> bool:
    """Return whether the same request may be answered later: the API is away or overloaded."""
    if isinstance(error, ApiError):
        return error.status in statuses.TRANSIENT
    return isinstance(error, UnreachableError)


def is_doubtful(error: Exception) -> bool:
    """Return whether a call that ended so may have been carried out."""
    if isinstance(error, ApiError):
        return error.status in statuses.DOUBTFUL
    return isinstance(error, UnreachableError)


def is_refused(error: Exception) -> bool:
    """Return whether a call was refused for good: nothing was done, and asking again won't help."""
    if not isinstance(error, ApiError):
        return False
    return not (may_pass(error) or error.status == HTTPStatus.UNAUTHORIZED or error.reason == BUSY)


def newest(cloud: Operations, instance: str) -> str:
    """Return the id of an instance's newest operation, for an entry's AFTER; empty for none."""
    return next((operation.id for operation in cloud.operations(instance)), "")


def find(cloud: Operations, call: Call, after: str) -> Operation | None:
    """Return the newest operation of a call that is newer than the operation ``after``."""
    return next((it for it in _newer(cloud, call, after) if call.ours(it)), None)


def find_intended(cloud: Operations, call: Call, entry: Entry) -> Operation | None:
    """Return the operation of an entry whose answer nobody wrote down, if the call was made.

    An entry that does not say what was there before is compared by its time.
    """
    if AFTER in entry.facts:
        return find(cloud, call, entry.facts[AFTER])
    since = datetime.fromisoformat(entry.at) - CLOCK_SKEW
    return next(
        (
            operation
            for operation in cloud.operations(call.instance)
            if operation.type == call.type
            and operation.inserted
            and operation.inserted >= since
            and call.ours(operation)
        ),
        None,
    )


def look(
    cloud: Operations, call: Call, after: str, limit_s: float, rest: Callable[[float], None]
) -> Operation | None:
    """Look for a call that was just made; None where it was not carried out.

    Args:
        cloud: the Admin API.
        call: what is looked for.
        after: the newest operation before the call; empty where there was none.
        limit_s: how long a request may be on its way, in seconds.
        rest: waits so many seconds.

    Raises:
        ApiError, UnreachableError: the API did not tell within ``LOOK_S`` seconds.
    """
    began = time.monotonic()
    while True:
        seconds = time.monotonic() - began
        try:
            candidates = tuple(_newer(cloud, call, after))
            operation = next((it for it in candidates if call.ours(it)), None)
        except (ApiError, UnreachableError) as error:
            if not may_pass(error) or seconds > LOOK_S:
                raise
        else:
            if operation is not None:
                return operation
            # what an operation in progress works on may show only at its end
            in_progress = any(it.status != "DONE" for it in candidates)
            if seconds > (LOOK_S if in_progress else limit_s):
                return None
        rest(LOOK_PAUSE_S)


def backup_call(cloud: Backups, instance: str, description: str) -> Call:
    """Return how the operation of a backup is recognised: its run bears the description."""

    def is_own(operation: Operation) -> bool:
        runs = cloud.backup_runs(instance)
        return find_run(runs, description, operation.backup_id) is not None

    return Call(instance, "BACKUP_VOLUME", is_own)


def export_call(instance: str, uri: str) -> Call:
    """Return how the operation of an export is recognised: by its file, where the API names it."""
    return Call(instance, "EXPORT", lambda operation: operation.uri in ("", uri))


def import_call(instance: str, uri: str, database: str) -> Call:
    """Return how the operation of an import is recognised: by its file and database."""

    def is_own(operation: Operation) -> bool:
        return operation.uri in ("", uri) and operation.database in ("", database)

    return Call(instance, "IMPORT", is_own)


def is_part(change: object, current: object) -> bool:
    """Return whether an instance's body is as a change of it asked for."""
    if isinstance(change, Mapping):
        fields = current if isinstance(current, Mapping) else {}
        return all(
            key == _VERSION or is_part(value, fields.get(key)) for key, value in change.items()
        )
    if isinstance(change, bool) or isinstance(current, bool):
        return bool(change) == bool(current)  # the API leaves out what is false
    return str(change) == str(current)  # it writes numbers as text


def find_run(runs: Iterable[BackupRun], description: str, backup_id: str = "") -> BackupRun | None:
    """Return the run that bears a description, and the number where that is known."""
    matching = (run for run in runs if run.description == description)
    return next((run for run in matching if backup_id in ("", run.id)), None)


def _newer(cloud: Operations, call: Call, after: str) -> Iterator[Operation]:
    for operation in cloud.operations(call.instance):
        if operation.id == after:
            return
        if operation.type == call.type:
            yield operation
