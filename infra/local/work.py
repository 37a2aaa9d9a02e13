"""Operations: PENDING, RUNNING, DONE; taken back or finished when the server was killed."""

import contextlib
import logging
import sqlite3
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import psycopg

from infra.local.errors import EngineError, InterruptedOperationError, StoppingError
from infra.local.model import (
    Body,
    Operation,
    OperationError,
    OperationStatus,
    OperationType,
)
from infra.local.service import Service
from ops.errors import OpsError

# Two cores carry little more; the others wait as PENDING.
_AT_ONCE = 4
_WRITE_AGAIN_S = 1.0
# Errors whose own words say what happened; any other is a fault of the server's.
_TOLD = (OpsError, OSError, psycopg.Error, sqlite3.OperationalError)
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Job:
    """A running operation, as its action sees it.

    Attributes:
        service: What it works with.
        operation: The operation as it is written down.
        secret: A password that is never written down.
    """

    service: Service
    operation: Operation
    secret: str | None = field(default=None, repr=False)

    def step(self, name: str, **facts: Any) -> None:  # noqa: ANN401 - JSON values of any type
        """Write down the step that begins now, and what it needs to know."""
        merged = {**self.operation.facts, **facts}
        self.save(replace(self.operation, step=name, facts=merged))

    def save(self, operation: Operation) -> None:
        """Write the operation down."""
        self.service.store.save_operation(operation)
        self.operation = operation


@dataclass(frozen=True, slots=True)
class Action:
    """How a type of operation is carried out.

    Attributes:
        run: Carries it out; its steps can be begun again if ``resumes``.
        undo: Leaves nothing half-made after a failure; may be called twice.
        resumes: Whether it is carried on after the server was killed, instead of undone.
    """

    run: Callable[[Job], None]
    undo: Callable[[Job, str], None]
    resumes: bool = False


class Work:
    """Carries out operations on threads, and records how they end."""

    def __init__(self, service: Service, actions: Mapping[OperationType, Action]) -> None:
        self._service = service
        self._actions = actions
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="operation")
        # An instance that is down does not wait for others' long work.
        self._urgent = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="urgent")
        self._running: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    def start(
        self, operation: Operation, *, secret: str | None = None, urgent: bool = False
    ) -> Operation:
        """Carry out an operation that is written down already."""
        # As it is written down: the store says when it was asked for.
        operation = self._service.store.operation(operation.project, operation.name) or operation
        job = Job(self._service, operation, secret)
        with self._lock:
            self._running = {
                name: future for name, future in self._running.items() if not future.done()
            }
            pool = self._urgent if urgent else self._pool
            self._running[operation.name] = pool.submit(self._carry_out, job)
        return operation

    def wait(self, operation: Operation, limit_s: float) -> Operation:
        """Return an operation as it is when it is done, or after a while."""
        with self._lock:
            future = self._running.get(operation.name)
        if future is not None:
            with contextlib.suppress(TimeoutError):
                future.result(limit_s)
        return self._service.store.operation(operation.project, operation.name) or operation

    def take_back(self) -> None:
        """Take back what a killed server left undone, but for what is carried on."""
        for operation in self._service.store.open_operations():
            action = self._actions.get(operation.type)
            if action is not None and action.resumes:
                continue
            job = Job(self._service, operation)
            error = InterruptedOperationError()
            if action is None or self._undone(action, job, error):
                self._finish(job, error)

    def carry_on(self) -> None:
        """Go on with the operations that a killed server left undone."""
        for operation in self._service.store.open_operations():
            action = self._actions.get(operation.type)
            if action is not None and action.resumes:
                self.start(operation)

    def stop(self) -> None:
        """Let the running operations end: they notice that the server stops."""
        self._service.runner.stopping.set()
        for pool in (self._pool, self._urgent):
            pool.shutdown(wait=True, cancel_futures=True)

    def _carry_out(self, job: Job) -> None:
        try:
            self._attempt(job)
        except BaseException:
            # Written down as undone: the next start takes it up.
            _log.exception("%s %s broke off", job.operation.type, job.operation.name)
            raise

    def _attempt(self, job: Job) -> None:
        action = self._actions[job.operation.type]
        now = self._service.clock.now()
        running = replace(job.operation, status=OperationStatus.RUNNING, started=now)
        try:
            self._insist(lambda: job.save(running))
            self._service.faults.meet(running, self._service.runner)
            action.run(job)
        except StoppingError as error:
            if action.resumes:
                return
            if self._undone(action, job, error):
                self._finish(job, error)
        except Exception as error:  # noqa: BLE001 - whatever it was, the operation must end
            if not isinstance(error, _TOLD):
                _log.exception("%s %s failed", job.operation.type, job.operation.name)
            if self._undone(action, job, error):
                self._finish(job, error)
        else:
            self._finish(job, None)

    def _undone(self, action: Action, job: Job, error: Exception) -> bool:
        """Undo; False if the server stops meanwhile: the next start then does it."""
        try:
            self._insist(lambda: action.undo(job, _sentence(error)))
        except StoppingError:
            return False
        except Exception:  # noqa: BLE001 - the operation must end
            _log.exception("%s %s was not taken back", job.operation.type, job.operation.name)
        return True

    def _finish(self, job: Job, error: Exception | None) -> None:
        self._settle_doors()
        failure = None if error is None else OperationError(_code(error), _sentence(error))
        now = self._service.clock.now()
        done = replace(
            job.operation,
            status=OperationStatus.DONE,
            ended=now,
            started=job.operation.started or now,
            error=failure,
        )
        with contextlib.suppress(StoppingError):  # the next start finishes it
            self._insist(lambda: job.save(done))
        self._service.store.replenish()

    def _settle_doors(self) -> None:
        """Whoever is told that an instance is made can connect to it at once."""
        try:
            self._service.settle_doors()
        except sqlite3.OperationalError as error:
            _log.error("The doors are looked after later: %s", error)

    def _insist(self, write: Callable[[], None]) -> None:
        """Try a write until the disk takes it: what is running for ever is known to nobody.

        Raises:
            StoppingError: The server stops meanwhile.
        """
        reported = False
        while True:
            try:
                write()
            except sqlite3.OperationalError as error:
                if not reported:
                    _log.error("The state can't be written, trying again: %s", error)
                reported = True
                self._service.runner.pause(_WRITE_AGAIN_S)
            else:
                return


def new_operation(
    kind: OperationType,
    project: str,
    target: str,
    *,
    source: str | None = None,
    backup_id: int | None = None,
    facts: Body | None = None,
) -> Operation:
    """Return an operation to be asked for; the store says when."""
    return Operation(
        name=str(uuid.uuid4()),
        type=kind,
        project=project,
        target=target,
        status=OperationStatus.PENDING,
        inserted=datetime.now(UTC),
        source=source,
        backup_id=backup_id,
        facts=facts or {},
    )


def _code(error: Exception) -> str:
    return error.code if isinstance(error, EngineError) else "INTERNAL_ERROR"


def _sentence(error: Exception) -> str:
    if isinstance(error, _TOLD):
        return str(error).strip()
    return f"The local Cloud SQL has a fault ({type(error).__name__}): see its server.log."
