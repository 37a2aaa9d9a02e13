"""One cloud call of a restore, made once: intended first, found again after a kill, waited for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from ops.cloudsql import ApiError, CloudSql, Operation, UnreachableError, once
from ops.errors import OpsError
from ops.journal import Entry, Journal

# An API that is away for longer is told to the person; the operation goes on all the same.
OUTAGE_LIMIT_S = 300.0
_OUTAGE_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait.

    Attributes:
        operation_s: for an operation, in seconds; None for the client's own limit.
        outage_s: for an API that does not answer meanwhile, in seconds.
    """

    operation_s: float | None = None
    outage_s: float = OUTAGE_LIMIT_S


class CallRefusedError(OpsError):
    """The API refused a call for good; nothing came of it."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(str(error))


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one restore.

    Attributes:
        cloud: the Admin API.
        journal: where each is written down before it is made.
        patience: how long to wait for each.
        confirm: called before anything is changed; raises where another process went on with
            this restore, as it may while this one is suspended.
    """

    cloud: CloudSql
    journal: Journal
    patience: Patience
    confirm: Callable[[], None] = lambda: None

    def entry(self, action: str) -> Entry | None:
        """Return what the journal says of an action; None where it was not intended yet."""
        return next((entry for entry in self.journal.entries() if entry.action == action), None)

    def once(
        self,
        action: str,
        about: str,
        kind: str,
        ask: Callable[[], Operation],
        is_own: Callable[[Operation], bool] = lambda _: True,
    ) -> Operation:
        """Make a call unless an earlier process made it, and wait until its operation is done.

        Args:
            action: by which the journal knows it.
            about: the instance that it works on.
            kind: the operation's type.
            ask: makes the call.
            is_own: tells an operation that we asked for from somebody else's.

        Raises:
            ops.lease.LeaseLostError: another process went on with the restore.
            ops.cloudsql.OperationFailedError: it ended with an error.
            ops.cloudsql.WaitTimeoutError: it still runs.
            CallRefusedError: the call was refused.
            ops.cloudsql.ApiError: it may be made again, or the operation can't be followed.
        """
        self.confirm()
        entry = self.entry(action)
        if entry is None:
            facts = {once.AFTER: once.newest(self.cloud, about)}
            entry = self.journal.intend(action, about, **facts)
            operation = self._call(ask)
        elif entry.operation:
            operation = self._known(entry, kind)
        else:
            operation = self.lost(entry, kind, is_own) or self._call(ask)
        self.confirm()  # a closed journal must not be begun anew
        if not entry.operation:
            entry = self.journal.started(entry, operation.id)
        ended = self.wait(operation)
        self.confirm()
        if not entry.done:
            self.journal.done(entry)
        return ended

    def _call(self, ask: Callable[[], Operation]) -> Operation:
        self.confirm()
        try:
            return ask()
        except ApiError as error:
            if once.is_refused(error):
                raise CallRefusedError(error) from error
            raise

    def _known(self, entry: Entry, kind: str) -> Operation:
        """Return the operation of an entry; one that the API has forgotten is long over."""
        try:
            return self.cloud.operation(entry.operation)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return Operation(entry.operation, kind, "DONE", entry.object, None, None, None, (), "")

    def lost(
        self, entry: Entry, kind: str, is_own: Callable[[Operation], bool] = lambda _: True
    ) -> Operation | None:
        """Return the operation of a call whose answer nobody wrote down, if it was made."""
        return once.find_intended(self.cloud, once.Call(entry.object, kind, is_own), entry)

    def wait(self, operation: Operation) -> Operation:
        """Wait until an operation is done, also while the API does not answer for a while."""
        away_since = 0.0
        while True:
            began = time.monotonic()
            try:
                return self.cloud.wait(operation, self.patience.operation_s)
            except (ApiError, UnreachableError) as error:
                now = time.monotonic()
                if not once.may_pass(error):
                    raise
                # it answered in between: another outage begins
                away_since = began if not away_since or now - began > _PASSED_S else away_since
                if now - away_since > self.patience.outage_s:
                    raise
                time.sleep(min(_OUTAGE_PAUSE_S, self.patience.outage_s))


# A wait gives up after four polls that failed; one that lasted longer had answers.
_PASSED_S = 30.0
