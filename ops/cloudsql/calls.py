"""How the Admin API is called: again where it is overloaded or busy; its operations waited for."""

import copy
import json
import random
import time
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any, Self

from ops import statuses
from ops.cloudsql import model, once
from ops.cloudsql.errors import (
    ApiError,
    ExpiredCredentialsError,
    NoCredentialsError,
    OperationFailedError,
    UnreachableError,
    WaitTimeoutError,
)
from ops.cloudsql.model import Body, Operation

API_SCOPE = "https://www.googleapis.com/auth/sqlservice.admin"
BUSY_LIMIT_S = 600.0  # how long a call is tried again while another operation runs
WAIT_LIMIT_S = 5400.0  # the provider's own limit: 90 minutes
POLLS_MISSED = 3  # polls in a row that may fail before a wait gives up
SILENCE_LIMIT_S = 60.0  # and for how long they may, while the operation goes on without us
OVERLOAD_LIMIT_S = 60.0  # how long a call is tried again while the API has no room for it
POLL_FIRST_S, POLL_FACTOR, POLL_MOST_S = 0.05, 1.4, 5.0
# What the API is given to answer one call, connecting included; without it a network that
# swallows packets holds a call for ever.
ANSWER_LIMIT_S = 60.0
_READ_AGAIN = statuses.NOT_BEGUN | {statuses.OVERLOADED}  # a call that only reads
_REST_S = 0.25  # how soon a wait notices that it is called off


class Calls:
    """Calls to the Admin API of one project, and the waits for its operations.

    Args:
        project: whose instances these are.
        endpoint: the API's root; None is Google's own.
        patience_s: how long to wait for an operation, in seconds.
    """

    def __init__(
        self, project: str, endpoint: str | None = None, *, patience_s: float = WAIT_LIMIT_S
    ) -> None:
        self.project, self._endpoint, self._patience_s = project, endpoint, patience_s
        self._busy_s = BUSY_LIMIT_S
        self._each: Callable[[], None] = _nothing
        self._tell: Callable[[str], None] = _nobody

    def bounded(
        self,
        *,
        busy_s: float | None = None,
        each: Callable[[], None] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> Self:
        """Return the same API with other waits.

        Args:
            busy_s: how long a call is tried again while another operation runs, in seconds.
            each: called while anything is waited for, several times a second; what it raises
                ends the wait.
            tell: takes a line once a call has to wait for another operation.
        """
        other = copy.copy(self)  # with the clients that are there already
        vars(other).update(
            _busy_s=self._busy_s if busy_s is None else busy_s,
            _each=each or self._each,
            _tell=tell or self._tell,
        )
        return other

    def operation(self, operation_id: str) -> Operation:
        """Return an operation as it is now."""
        request = self._ask("OperationsGet", operation=operation_id)
        return model.operation(
            self._call(f"tell of operation {operation_id}", self._operations.get, request)
        )

    def operations(self, instance: str) -> tuple[Operation, ...]:
        """Return the newest operations on an instance (one page), the newest first."""
        request = self._ask("OperationsList", instance=instance)
        body = self._call(
            f"list the operations of {instance}",
            self._first_page(self._operations.list),
            request,
        )
        return tuple(model.operation(item) for item in body.get("items", ()))

    def wait(self, operation: Operation, timeout_s: float | None = None) -> Operation:
        """Wait until an operation is DONE and return it.

        Raises:
            OperationFailedError: it ended with an error.
            WaitTimeoutError: it still runs after ``timeout_s`` seconds.
        """
        limit_s = self._patience_s if timeout_s is None else timeout_s
        deadline = time.monotonic() + limit_s
        missed, heard = 0, time.monotonic()
        for pause in _pauses():
            if operation.status == "DONE":
                break
            if time.monotonic() > deadline:
                raise WaitTimeoutError(operation, limit_s)
            self._rest(pause)
            try:
                operation = self.operation(operation.id)
                missed, heard = 0, time.monotonic()
            except (UnreachableError, ApiError) as error:
                missed += 1
                silent = missed > POLLS_MISSED and time.monotonic() - heard > SILENCE_LIMIT_S
                if silent or not once.may_pass(error):
                    raise
        if operation.errors:
            raise OperationFailedError(operation)
        return operation

    def _start(
        self, what: str, method: Callable[..., Any], request: object, call: once.Call
    ) -> Operation:
        """Make a call that changes something; one whose answer is lost is found, not repeated.

        Raises:
            ApiError, UnreachableError: it was refused, was not carried out as far as the API
                tells, or the API does not tell; ``once.is_refused`` tells these apart.
        """
        before = self._newest(call.instance)
        busy_until = time.monotonic() + self._busy_s
        room_until = time.monotonic() + OVERLOAD_LIMIT_S
        waiting = doubtful = False
        for pause in _pauses():
            try:
                return self._operation_of(self._call(what, method, request, statuses.NOT_BEGUN))
            except (ApiError, UnreachableError) as error:
                overloaded = isinstance(error, ApiError) and error.status == statuses.OVERLOADED
                doubtful = doubtful or once.is_doubtful(error)
                if doubtful and before is not None:
                    if overloaded:
                        self._rest(_pause_s(error, pause))
                    limit_s = once.ROOM_S if overloaded else once.ON_ITS_WAY_S
                    try:
                        lost = once.look(self, call, before, limit_s, self._rest)
                    except (ApiError, UnreachableError):
                        raise error from None  # nobody can tell: the call is not repeated
                    if lost is not None:
                        return lost
                    if (overloaded or call.repeatable) and time.monotonic() < room_until:
                        continue
                busy = isinstance(error, ApiError) and error.reason == once.BUSY
                if not busy or time.monotonic() > busy_until:
                    raise
                if not waiting:
                    self._tell(f"Another operation is under way: waiting to {what}")
                waiting = True
                self._rest(pause)
        raise AssertionError  # _pauses never ends

    def _operation_of(self, body: Body) -> Operation:
        """Return the operation of an answer; one that names none is as good as none."""
        operation = model.operation(body)
        if not operation.id:
            raise UnreachableError(self._address)
        return operation

    def _newest(self, instance: str) -> str | None:
        """Return an instance's newest operation; None where the API does not list them to us."""
        try:
            return once.newest(self, instance)
        except ApiError as error:
            if once.may_pass(error):
                raise
            return None

    def _rest(self, seconds: float) -> None:
        """Wait a while, unless what is waited for is called off."""
        until = time.monotonic() + seconds
        while True:
            self._each()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, _REST_S))

    def _call(
        self,
        what: str,
        method: Callable[..., Any],
        request: object,
        again: frozenset[int] = _READ_AGAIN,
    ) -> dict[str, Any]:
        """Call, and call again after a while where the API is overloaded.

        Args:
            what: the call in words.
            method: of Google's client.
            request: its message.
            again: the statuses after which the call may be repeated.
        """
        deadline = time.monotonic() + OVERLOAD_LIMIT_S
        call = partial(method, request, timeout=ANSWER_LIMIT_S)
        for pause in _pauses():
            try:
                return self._call_once(what, call)
            except ApiError as error:
                wait_s = _pause_s(error, pause)
                if error.status not in again or time.monotonic() + wait_s > deadline:
                    raise
                self._rest(wait_s)
        raise AssertionError  # _pauses never ends

    def _call_once(self, what: str, call: Callable[[], Any]) -> dict[str, Any]:
        import requests
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google.protobuf.json_format import (  # type: ignore[import-untyped]  # ships no types
            ParseError,
        )

        try:
            message = call()
        except exceptions.GoogleAPICallError as error:
            first = dict(error.errors[0]) if error.errors else {}
            reason = str(first.get("reason") or error.reason or error.code)
            # the client puts the request's address in front of the API's own words
            words = str(first.get("message") or error.message)
            raise ApiError(
                what, int(error.code or 0), reason, words, _retry_after_s(error)
            ) from error
        except (requests.exceptions.RequestException, TransportError) as error:
            raise UnreachableError(self._address) from error
        except GoogleAuthError as error:  # a token that can't be had anew
            raise ExpiredCredentialsError(what) from error
        except ParseError as error:  # half an answer, or a proxy's page
            raise UnreachableError(self._address) from error
        text = type(message).to_json(
            message,
            use_integers_for_enums=False,
            preserving_proto_field_name=False,
            always_print_fields_with_no_presence=False,
        )
        body: dict[str, Any] = json.loads(text)
        return body

    def _first_page(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Return a method that gives one page of a list, not all of them."""

        def call(request: object, timeout: float) -> Any:  # noqa: ANN401 - proto-plus is untyped
            return next(iter(method(request, timeout=timeout).pages))

        return call

    def _ask(self, kind: str, **fields: object) -> Any:  # noqa: ANN401 - proto-plus is untyped
        return getattr(self._api, f"Sql{kind}Request")(project=self.project, **fields)

    def _message(self, kind: str, body: Body) -> Any:  # noqa: ANN401 - proto-plus is untyped
        return getattr(self._api, kind).from_json(json.dumps(dict(body)))

    def _client(self, kind: str) -> Any:  # noqa: ANN401 - proto-plus is untyped
        from google.api_core.client_options import ClientOptions

        options = ClientOptions(api_endpoint=self._endpoint) if self._endpoint else None
        client = getattr(self._api, f"Sql{kind}ServiceClient")
        return client(transport="rest", client_options=options, credentials=self._credentials)

    @property
    def _address(self) -> str:
        return self._endpoint or "sqladmin.googleapis.com"

    @cached_property
    def _api(self) -> Any:  # noqa: ANN401 - proto-plus is untyped
        from google.cloud import sqladmin_v1beta4

        return sqladmin_v1beta4

    @cached_property
    def _credentials(self) -> Any:  # noqa: ANN401 - google-auth is untyped
        import google.auth
        import google.auth.exceptions
        from google.oauth2.credentials import Credentials

        if self._endpoint:
            return Credentials("local")  # type: ignore[no-untyped-call]  # google-auth is untyped
        try:
            credentials, _ = google.auth.default(scopes=[API_SCOPE])
        except google.auth.exceptions.DefaultCredentialsError as error:
            raise NoCredentialsError from error
        return credentials

    @cached_property
    def _operations(self) -> Any:  # noqa: ANN401 - proto-plus is untyped
        return self._client("Operations")


def _retry_after_s(error: Any) -> float:  # noqa: ANN401 - google-api-core is untyped
    """Return the seconds of a refusal's Retry-After header; 0 without one, or with a date."""
    headers = getattr(error.response, "headers", None) or {}
    header = str(headers.get("Retry-After", ""))
    return float(header) if header.isdecimal() else 0.0


def _pause_s(error: UnreachableError | ApiError, pause: float) -> float:
    """Return how long to wait before a call is made again, in seconds.

    Pauses vary: many that are refused together must not come back together.
    """
    asked_s = error.retry_after_s if isinstance(error, ApiError) else 0.0
    return max(asked_s, pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret


def _nothing() -> None:
    """Let a wait go on."""


def _nobody(_line: str) -> None:
    """Tell nobody."""


def _pauses() -> Iterator[float]:
    pause = POLL_FIRST_S
    while True:
        yield pause
        pause = min(pause * POLL_FACTOR, POLL_MOST_S)
