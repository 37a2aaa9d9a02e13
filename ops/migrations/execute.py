"""Run one step: its timeouts, its tries and its record."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from secrets import SystemRandom
from time import monotonic, sleep

import psycopg
from psycopg import errors

from ops.db import Connection, statement
from ops.errors import OpsError
from ops.migrations import ledger, recovery
from ops.migrations.failures import (
    ConnectionLostError,
    LockNotGotError,
    OldTransactionError,
    StepFailedError,
    TooSlowError,
)
from ops.migrations.others import Connect, Other, Watch, ask, watching
from ops.migrations.parse import Statement
from ops.migrations.session import Limits
from ops.migrations.steps import Patience, Step

# A server process whose runner was killed notices within this time and gives up, also in
# the middle of building an index; the runner's lock is free then.
_GONE_CHECK_MS = 2_000
# For removing what a failed build left; if that takes longer, the next run does it.
_CLEAR_MS = 5_000
_POLL_S = 0.5
_jitter = SystemRandom()

Finish = Callable[[Step], None]


class Executor:
    """Runs steps in one session, which holds the runner's lock.

    Args:
        connection: the session; autocommit.
        connect: opens another one, to see who is in the way.
        limits: how patient to be.
    """

    def __init__(self, connection: Connection, connect: Connect, limits: Limits) -> None:
        self._connection = connection
        self._connect = connect
        self._limits = limits
        self._line = 0

    def run(self, step: Step, *, begun: bool, finish: Finish) -> int:
        """Run a step until it is done; return how many tries its locks took.

        Args:
            step: what to run.
            begun: whether an interrupted run began it.
            finish: records that it is done, in the transaction of the change if it has one.

        Raises:
            ops.errors.OpsError: it failed, or its locks are not to be had.
        """
        try:
            return self._tries(step, finish, begun=begun)
        except psycopg.Error as error:
            failure = self._failure(step, error)
            self._clear(step, begun=begun)
            raise failure from error
        except OpsError:
            self._clear(step, begun=begun)
            raise

    def _tries(self, step: Step, finish: Finish, *, begun: bool) -> int:
        """Try with growing timeouts, never without one; return the number of tries."""
        blockers: tuple[Other, ...] = ()
        for attempt in range(1, self._limits.tries + 1):
            if attempt > 1:
                sleep(self._pause_s(attempt - 1))
            with self._watch(attempt) as watch:
                try:
                    self._attempt(step, self._lock_ms(step, attempt), finish, begun=begun)
                except (errors.LockNotAvailable, errors.DeadlockDetected):
                    blockers = watch.blockers or blockers
                else:
                    return attempt
        raise LockNotGotError(step, self._line, self._limits.tries, blockers)

    def _attempt(self, step: Step, lock_ms: int, finish: Finish, *, begun: bool) -> None:
        self._line = step.line
        self._set(lock_ms, step.statement_timeout_ms)
        if not step.transactional:
            ledger.begin_step(self._connection, step)
        for setting in step.settings:
            self._execute(setting)
        if not step.transactional and not recovery.settle(self._connection, step, begun=begun):
            self._wait_for_old_transactions(step)
            self._execute(step.statements[0])
            recovery.confirm(self._connection, step)
        with self._connection.transaction():
            if step.transactional:
                for statement_ in step.statements:
                    self._execute(statement_)
            # The migration may have taken a role that can't write to the ledger.
            self._connection.execute("RESET ROLE")
            finish(step)

    def _execute(self, parsed: Statement) -> None:
        self._line = parsed.line
        try:
            self._connection.execute(statement(parsed.text))
        except psycopg.Error as error:
            position = int(error.diag.statement_position or 1)
            self._line += parsed.text.count("\n", 0, position - 1)
            raise

    def _set(self, lock_ms: int, statement_ms: int) -> None:
        """Begin with a fresh session: a resumed step must not depend on the ones before."""
        self._connection.execute(
            statement(
                "RESET ROLE; RESET ALL; "
                f"SET client_connection_check_interval = {_GONE_CHECK_MS}; "
                f"SET lock_timeout = {lock_ms}; SET statement_timeout = {statement_ms}"
            )
        )

    def _lock_ms(self, step: Step, attempt: int) -> int:
        if step.patience is Patience.LONG:
            return 0  # its waiting holds nobody up; the statement's timeout bounds it
        if step.patience is Patience.ROWS:
            return self._limits.row_lock_ms
        # Doubling from 100 ms passes every ceiling within a few tries; no need to go on.
        return min(self._limits.lock_ms << min(attempt - 1, 16), self._limits.lock_most_ms)

    def _pause_s(self, tried: int) -> float:
        pause = min(self._limits.pause_s * (1 << min(tried - 1, 16)), self._limits.pause_most_s)
        return pause * _jitter.uniform(0.5, 1.5)

    def _watch(self, attempt: int) -> AbstractContextManager[Watch]:
        """Watch from the second try on: the first one costs no second session."""
        if attempt == 1:
            return nullcontext(Watch())
        return watching(self._connect, self._connection.info.backend_pid)

    def _wait_for_old_transactions(self, step: Step) -> None:
        """Wait for transactions that a concurrent step would wait for with its work half done."""
        if step.patience is not Patience.LONG or step.effect is None:
            return
        start = monotonic()
        values = {"age_s": self._limits.old_transaction_s}
        while found := ask(self._connection, "long_transactions", values):
            if monotonic() - start >= self._limits.old_transaction_wait_s:
                raise OldTransactionError(step, found)
            sleep(_POLL_S)

    def _failure(self, step: Step, error: psycopg.Error) -> OpsError:
        if self._connection.closed:
            return ConnectionLostError(step)
        slow = isinstance(error, errors.QueryCanceled) and "statement timeout" in str(error)
        return TooSlowError(step, self._line) if slow else StepFailedError(step, self._line, error)

    def _clear(self, step: Step, *, begun: bool) -> None:
        """Remove what a failed step left; what can't be removed now, the next run meets."""
        if step.transactional or self._connection.closed:
            return
        with suppress(psycopg.Error):
            self._set(_CLEAR_MS, _CLEAR_MS)
            for setting in step.settings:
                self._execute(setting)
            recovery.clear(self._connection, step)
        with suppress(psycopg.Error):
            self._connection.execute("RESET ROLE")
            if not begun:
                ledger.forget_step(self._connection, step)
