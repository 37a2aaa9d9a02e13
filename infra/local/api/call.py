"""One request, as the handlers see it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import psycopg

from infra.local.api import resources
from infra.local.api.errors import already_exists, in_progress, invalid, no_instance
from infra.local.faults import InjectedError
from infra.local.model import (
    Body,
    Instance,
    InstanceState,
    Operation,
    OperationError,
    OperationStatus,
)
from infra.local.service import Service
from infra.local.store import InProgressError, NameTakenError
from infra.local.work import Work


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        service: What handlers work with.
        work: Carries out operations.
        params: The path's parameters.
        query: The query's parameters, of their types.
        body: The body in its canonical form.
        base: The server's address with the API's version, for links.
        lists: Parameters of the query that may be repeated, with all of their values.
    """

    service: Service
    work: Work
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Body
    base: str
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def project(self) -> str:
        """The project in the path."""
        return self.params.get("project") or self.params["projectsId"]

    def instance(self, name: str | None = None) -> Instance:
        """Return the instance in the path, or another one of the project.

        Raises:
            ApiError: 404 instanceDoesNotExist.
        """
        instance = self.service.store.instance(self.project, name or self.params["instance"])
        if instance is None:
            raise no_instance()
        return instance

    def ready(self, name: str | None = None) -> Instance:
        """Return the instance in the path, or another one, if it can be worked with.

        Raises:
            ApiError: 404 instanceDoesNotExist, 400 if it is stopped, 409 if it is being made.
        """
        instance = self.instance(name)
        if instance.state in (InstanceState.PENDING_CREATE, InstanceState.PENDING_DELETE):
            raise in_progress(instance.state)
        if instance.stopped or instance.state is not InstanceState.RUNNABLE:
            raise invalid("Invalid request since instance is not running.")
        return instance

    def begin(
        self,
        operation: Operation,
        *,
        new: Instance | None = None,
        also: Callable[[], None] | None = None,
    ) -> Operation:
        """Write down an operation, in one go with what it makes.

        Args:
            operation: The operation.
            new: The instance that it makes.
            also: Writes more.

        Raises:
            ApiError: 409 instanceAlreadyExists or operationInProgress.
        """
        store = self.service.store
        try:
            with store.transaction():
                if new is not None:
                    store.add_instance(new)
                if also is not None:
                    also()
                return store.begin(operation)
        except NameTakenError:
            raise already_exists() from None
        except InProgressError as error:
            raise in_progress(str(error)) from None

    def inline(
        self, operation: Operation, action: Callable[[], None], *, refused: str
    ) -> Operation:
        """Carry out a short operation at once, so that the answer is already DONE.

        Args:
            operation: The operation.
            action: What it does.
            refused: Begins the sentence if PostgreSQL refuses, as ``failed to create user x``.

        Raises:
            ApiError: 400 with PostgreSQL's own words, 409 as ``begin``.
        """
        now = self.service.clock.now
        running = self.begin(replace(operation, status=OperationStatus.RUNNING))
        running = replace(running, started=running.inserted)
        failure: str | None = None
        code = "INTERNAL_ERROR"
        try:
            self.service.faults.meet(running, self.service.runner)
            action()
        except InjectedError as error:
            failure, code = str(error), error.code
        except psycopg.Error as error:
            failure = f"{refused}. Detail: pq: {str(error).strip()}"
            raise invalid(failure) from error
        except BaseException:
            failure = refused
            raise
        finally:
            problem = None if failure is None else OperationError(code, failure)
            done = replace(running, status=OperationStatus.DONE, ended=now(), error=problem)
            self.service.store.save_operation(done)
        return done

    def answer(self, operation: Operation) -> Body:
        """Return an operation's resource."""
        return resources.operation(operation, self.base)


Handler = Callable[[Call], Body]
