"""Run one step: its timeouts, its tries and its record."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from secrets import SystemRandom
from time import monotonic, sleep

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from ops import sql
from ops.console import Progress
from ops.db import Connection, statement
from ops.errors import OpsError
from ops.migrations import ledger, recovery
from ops.migrations.facts import Kind
from ops.migrations.failures import (
    CommitsInTransactionError,
    ConnectionLostError,
    HiddenSettingError,
    LockNotGotError,
    StepFailedError,
    TooSlowError,
    asks,
)
from ops.migrations.holdups import wait_for_holders
from ops.migrations.messages import Messages
from ops.migrations.others import Connect, Watch, watching
from ops.migrations.parse import Statement
from ops.migrations.session import Limits, RunnerSession
from ops.migrations.settings import names_set, resets_all
from ops.migrations.steps import Patience, Step
from ops.waiting import Blocker, named

# For removing what a failed build left; if that takes longer, the next run does it.
_CLEAR_MS = 5_000
_CANCEL_S = 5.0
# A try that fails is worth a line; nobody needs one for each.
_LINE_EVERY_S = 5.0
# Where PL/pgSQL's RAISE makes an error: a 2D000 of theirs is no refused COMMIT.
_RAISED = frozenset({"exec_stmt_raise"})
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
    """Runs steps in the runner's session.

    Args:
        session: runs the steps, and holds the locks.
        connect: opens another one, to see who is in the way.
        limits: how patient to be.
        progress: shows what the server says, and for whom a step waits.
    """

    def __init__(
        self, session: RunnerSession, connect: Connect, limits: Limits, progress: Progress
    ) -> None:
        self._session = session
        self._connection = session.connection
        self._connect = connect
        self._limits = limits
        self._progress = progress
        self._place = ""
        self._line = 0
        self._timeouts = (0, 0)
        self._statement: Statement
        self._outside = False
        self.messages = Messages(progress, self._where)
        self._connection.add_notice_handler(self.messages.receive)

    def run(self, step: Step, *, is_begun: bool, finish: Finish) -> int:
        """Run a step until it is done; return how many tries its locks took.

        Args:
            step: what to run.
            is_begun: whether an interrupted run began it.
            finish: records that it is done, in the transaction of the change if it has one.

        Raises:
            ops.errors.OpsError: it failed, or its locks are not to be had.
        """
        self._outside = False
        try:
            return self._tries(step, finish, is_begun=is_begun)
        except psycopg.Error as error:
            failure = self._failure(step, error)
            self._clear(step, is_begun=is_begun)
            raise failure from error
        except OpsError:
            self._clear(step, is_begun=is_begun)
            raise
        except BaseException:  # Ctrl-C, SIGTERM
            self._clear(step, is_begun=is_begun)
            left = asks(step) if self._outside else recovery.left(self._connection, step)
            self._progress.line(f"{step.place}: interrupted. {left}")
            raise

    def record(self, step: Step, finish: Finish) -> None:
        """Record a step as done, as somebody who looked decided; it does not run."""
        self._renew(_CLEAR_MS, _CLEAR_MS)
        with self._connection.transaction():
            finish(step)

    def _tries(self, step: Step, finish: Finish, *, is_begun: bool) -> int:
        """Try with growing timeouts, never without one; return the number of tries."""
        blockers: tuple[Blocker, ...] = ()
        next_line = monotonic() + _LINE_EVERY_S
        for attempt in range(1, self._limits.tries + 1):
            if attempt > 1:
                sleep(self._pause_s(attempt - 1))
            with self._watch(step, attempt) as watch:
                try:
                    self._attempt(
                        step, watch, self._lock_ms(step, attempt), finish, is_begun=is_begun
                    )
                except (errors.LockNotAvailable, errors.DeadlockDetected):
                    blockers = watch.blockers or blockers
                except errors.InvalidTransactionTermination as error:
                    self._refuse_commit(step, error)
                    break
                else:
                    return attempt
            if monotonic() >= next_line:
                next_line = monotonic() + _LINE_EVERY_S
                self._progress.line(
                    f"{self._where()}: its lock was not free in try {attempt} of "
                    f"{self._limits.tries}; in the way: {named(blockers, blind=watch.blind)}"
                )
        else:
            raise LockNotGotError(step, self._line, self._limits.tries, blockers, watch.blind)
        self._run_once(step, finish)
        return attempt

    def _attempt(
        self, step: Step, watch: Watch, lock_ms: int, finish: Finish, *, is_begun: bool
    ) -> None:
        self._place, self._line = step.migration.file, step.line
        self._renew(lock_ms, step.statement_timeout_ms)
        if not step.transactional:
            ledger.begin_step(self._connection, step)
        self._repeat_settings(step)
        if not step.transactional:
            if not recovery.settle(
                self._connection, step, is_begun=is_begun, tell=self._progress.line
            ):
                self._wait_for_holders(step, watch)
                self.messages.listen()
                self._execute_all(step)
                recovery.confirm(self._connection, step)
            # What the step set must not reach the ledger: SET default_transaction_read_only.
            self._renew(lock_ms, step.statement_timeout_ms)
        with self._connection.transaction():
            if step.transactional:
                self.messages.listen()
                self._execute_all(step)
            # The migration may have taken a role that can't write to the ledger.
            self._session.leave_role()
            finish(step)
        self.messages.keep()

    def _refuse_commit(self, step: Step, error: psycopg.Error) -> None:
        """Return only if a statement that stands alone ended the transaction around it."""
        if error.diag.source_function in _RAISED:
            raise error
        if step.may_commit:
            return
        if self._statement.facts.kind is Kind.PROCEDURE:
            summary = self._statement.summary
            raise CommitsInTransactionError(step, self._line, summary) from error
        raise error

    def _run_once(self, step: Step, finish: Finish) -> None:
        """Run a statement that commits by itself: outside of transactions, and never again.

        Its note is written by the session beside: no setting or role of the migration
        reaches that one.
        """
        self._progress.line(
            f"{step.place}: it commits by itself, which PostgreSQL refused in a transaction. That "
            "try was taken back; it now runs outside of one, once"
        )
        # Nobody tries again when a lock is not free: wait as an application's request does
        # for rows, and leave a shorter limit to the author's SET lock_timeout.
        self._renew(self._limits.row_lock_ms, step.once_timeout_ms)
        self._repeat_settings(step)
        ledger.begin_once(self._session.beside, step)
        self._outside = True
        self.messages.listen()
        with self._watch(step, 2) as watch:
            try:
                self._execute_all(step)
            except errors.LockNotAvailable as error:
                raise StepFailedError(
                    step, self._line, error, outside=True, blockers=watch.blockers
                ) from error
        self._session.clean(self._limits.row_lock_ms, step.once_timeout_ms)
        with self._connection.transaction():
            finish(step)
        self.messages.keep()

    def _repeat_settings(self, step: Step) -> None:
        for setting in step.settings:
            self._execute(setting)

    def _execute_all(self, step: Step) -> None:
        """Run the statements; refuse what they set for the session behind the file's back.

        Raises:
            HiddenSettingError: later steps would run without it.
        """
        before = self._settings(step) if step.settings else {}
        for parsed in step.statements:
            self._line = parsed.line
            known = step.transactional and recovery.settle_inside(self._connection, step, parsed)
            self._execute(parsed, compared=known)
            if resets_all(parsed):
                self._session.limit(*self._timeouts)
                before = self._settings(step)
        after = self._settings(step)
        changed = {name for name in before | after if before.get(name) != after.get(name)}
        if hidden := changed - names_set(step.statements):
            raise HiddenSettingError(step, sorted(hidden), outside=self._outside)

    def _settings(self, step: Step) -> dict[str, str]:
        """Return the session's own settings; of a last step nobody needs them."""
        if step.number == step.total:
            return {}
        values = {"names": sorted(step.reads), "user": self._connection.info.user}
        rows = self._connection.execute(statement(sql.load("migrate/session_settings")), values)
        return {name: str(value) for name, value in rows.fetchall()}

    def _where(self) -> str:
        return f"{self._place}:{self._line}"

    def _execute(self, parsed: Statement, *, compared: bool = False) -> None:
        self._line, self._statement = parsed.line, parsed
        self.messages.compared = compared
        self.messages.own_schema = parsed.facts.schema == ledger.SCHEMA
        try:
            self._connection.execute(statement(parsed.text))
        except psycopg.Error as error:
            position = int(error.diag.statement_position or 1)
            self._line += parsed.text.count("\n", 0, position - 1)
            raise
        except BaseException:  # Ctrl-C, SIGTERM
            stop_statement(self._connection)
            raise

    def _renew(self, lock_ms: int, statement_ms: int) -> None:
        """Begin with a fresh session: a resumed step must not depend on the ones before."""
        self._timeouts = (lock_ms, statement_ms)
        self._session.renew(lock_ms, statement_ms)

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

    def _wait_for_holders(self, step: Step, watch: Watch) -> None:
        watch.pause()
        wait_for_holders(self._connection, step, self._limits.holder_wait_s, self._progress)
        watch.resume()

    def _failure(self, step: Step, error: psycopg.Error) -> OpsError:
        outside = self._outside
        if self._connection.closed:
            return ConnectionLostError(step, outside=outside)
        if isinstance(error, errors.QueryCanceled) and "statement timeout" in str(error):
            return TooSlowError(step, self._line, outside=outside)
        return StepFailedError(step, self._line, error, outside=outside)

    def _clear(self, step: Step, *, is_begun: bool) -> None:
        """Remove what a failed step left; what can't be removed now, the next run meets."""
        self.messages.pause()
        if step.transactional or self._connection.closed:
            return
        with suppress(psycopg.Error, OpsError):
            self._renew(_CLEAR_MS, _CLEAR_MS)
            self._repeat_settings(step)
            recovery.clear(self._connection, step)
        with suppress(psycopg.Error, OpsError):
            self._renew(_CLEAR_MS, _CLEAR_MS)
            if not is_begun:
                ledger.forget_step(self._connection, step)
