"""Run one step: its timeouts, its tries and its record."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from secrets import SystemRandom
from time import monotonic, sleep

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from ops.console import Progress
from ops.db import Connection, statement
from ops.errors import OpsError
from ops.migrations import ledger, recovery
from ops.migrations.failures import (
    ConnectionLostError,
    LockNotGotError,
    StepFailedError,
    TooSlowError,
)
from ops.migrations.holdups import wait_for_holders
from ops.migrations.messages import Messages
from ops.migrations.others import Connect, Other, Watch, named, watching
from ops.migrations.parse import Statement
from ops.migrations.session import Limits
from ops.migrations.steps import Patience, Step

# A server process whose runner was killed notices within this time and gives up, also in
# the middle of building an index; the runner's lock is free then.
_GONE_CHECK_MS = 2_000
# For removing what a failed build left; if that takes longer, the next run does it.
_CLEAR_MS = 5_000
_CANCEL_S = 5.0
# A try that fails is worth a line; nobody needs one for each.
_LINE_EVERY_S = 5.0
_jitter = SystemRandom()

Finish = Callable[[Step], None]


def stop_statement(connection: Connection) -> None:
    """Cancel what runs, so that the session can roll back and clean up.

    psycopg does so by itself on Ctrl-C, but not on SIGTERM.
    """
    with suppress(psycopg.Error):
        if connection.info.transaction_status is TransactionStatus.ACTIVE:
            connection.cancel_safe(timeout=_CANCEL_S)
            while connection.pgconn.get_result() is not None:
                pass


class Executor:
    """Runs steps in one session, which holds the runner's lock.

    Args:
        connection: the session; autocommit.
        connect: opens another one, to see who is in the way.
        limits: how patient to be.
        progress: shows what the server says, and for whom a step waits.
    """

    def __init__(
        self, connection: Connection, connect: Connect, limits: Limits, progress: Progress
    ) -> None:
        self._connection = connection
        self._connect = connect
        self._limits = limits
        self._progress = progress
        self._place = ""
        self._line = 0
        self.messages = Messages(progress, self._where)
        connection.add_notice_handler(self.messages.receive)

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
        except BaseException:  # Ctrl-C, SIGTERM
            self._clear(step, begun=begun)
            self._progress.line(
                f"{step.place}: interrupted. {recovery.left(self._connection, step)}"
            )
            raise

    def _tries(self, step: Step, finish: Finish, *, begun: bool) -> int:
        """Try with growing timeouts, never without one; return the number of tries."""
        blockers: tuple[Other, ...] = ()
        next_line = monotonic() + _LINE_EVERY_S
        for attempt in range(1, self._limits.tries + 1):
            if attempt > 1:
                sleep(self._pause_s(attempt - 1))
            with self._watch(step, attempt) as watch:
                try:
                    self._attempt(step, self._lock_ms(step, attempt), finish, begun=begun)
                except (errors.LockNotAvailable, errors.DeadlockDetected):
                    blockers = watch.blockers or blockers
                else:
                    return attempt
            if monotonic() >= next_line:
                next_line = monotonic() + _LINE_EVERY_S
                self._progress.line(
                    f"{self._where()}: its lock was not free in try {attempt} of "
                    f"{self._limits.tries}; in the way: {named(blockers)}"
                )
        raise LockNotGotError(step, self._line, self._limits.tries, blockers, watch.blind)

    def _attempt(self, step: Step, lock_ms: int, finish: Finish, *, begun: bool) -> None:
        self._place, self._line = step.migration.file, step.line
        self._set(lock_ms, step.statement_timeout_ms)
        if not step.transactional:
            ledger.begin_step(self._connection, step)
        for setting in step.settings:
            self._execute(setting)
        if not step.transactional and not recovery.settle(self._connection, step, begun=begun):
            self._wait_for_holders(step)
            self.messages.listen()
            self._execute(step.statements[0])
            recovery.confirm(self._connection, step)
        with self._connection.transaction():
            if step.transactional:
                self.messages.listen()
                for statement_ in step.statements:
                    self._line = statement_.line
                    known = recovery.settle_inside(self._connection, step, statement_)
                    self._execute(statement_, compared=known)
            # The migration may have taken a role that can't write to the ledger.
            self._connection.execute("RESET ROLE")
            finish(step)
        self.messages.keep()

    def _where(self) -> str:
        return f"{self._place}:{self._line}"

    def _execute(self, parsed: Statement, *, compared: bool = False) -> None:
        self._line, self.messages.compared = parsed.line, compared
        try:
            self._connection.execute(statement(parsed.text))
        except psycopg.Error as error:
            position = int(error.diag.statement_position or 1)
            self._line += parsed.text.count("\n", 0, position - 1)
            raise
        except BaseException:  # Ctrl-C, SIGTERM
            stop_statement(self._connection)
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

    def _watch(self, step: Step, attempt: int) -> AbstractContextManager[Watch]:
        """Watch often from the second try on: the first one of most steps needs nobody."""
        limit_s = step.statement_timeout_ms / 1000
        watch = Watch(self._progress, self._where, limit_s)
        pid = self._connection.info.backend_pid
        return watching(self._connect, pid, watch, often=attempt > 1)

    def _wait_for_holders(self, step: Step) -> None:
        wait_for_holders(self._connection, step, self._limits.holder_wait_s, self._progress)

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
