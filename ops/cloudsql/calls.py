"""How the Admin API is called: again where it is overloaded or busy; its operations waited for."""

import copy
import json
import random
import time
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any, Self

from ops.cloudsql import model
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
# Refused before anything was done; the others of them may come after the work.
OVERLOADED = frozenset({429, 503})
TRANSIENT = frozenset({429, 500, 502, 503, 504})
POLL_FIRST_S, POLL_FACTOR, POLL_MOST_S = 0.05, 1.4, 5.0
# What the API is given to answer one call, connecting included; without it a network that
# swallows packets holds a call for ever.
ANSWER_LIMIT_S = 60.0
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
                if silent or not _passes(error):
                    raise
        if operation.errors:
            raise OperationFailedError(operation)
        return operation

    def _start(self, what: str, method: Callable[..., Any], request: object) -> Operation:
        deadline = time.monotonic() + self._busy_s
        told = False
        for pause in _pauses():
            try:
                return model.operation(self._call(what, method, request))
            except ApiError as error:
                if error.reason != "operationInProgress" or time.monotonic() > deadline:
                    raise
                if not told:
                    self._tell(f"Another operation is under way: waiting to {what}")
                told = True
                self._rest(pause)
        raise AssertionError  # _pauses never ends

    def _rest(self, seconds: float) -> None:
        """Wait a while, unless what is waited for is called off."""
        until = time.monotonic() + seconds
        while True:
            self._each()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, _REST_S))

    def _call(self, what: str, method: Callable[..., Any], request: object) -> dict[str, Any]:
        """Call, and call again after a while where the API is overloaded."""
        deadline = time.monotonic() + OVERLOAD_LIMIT_S
        call = partial(method, request, timeout=ANSWER_LIMIT_S)
        for pause in _pauses():
            try:
                return self._call_once(what, call)
            except ApiError as error:
                # pauses vary: many that are refused together must not come back together
                wait_s = max(error.retry_after_s, pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
                if error.status not in OVERLOADED or time.monotonic() + wait_s > deadline:
                    raise
                self._rest(wait_s)
        raise AssertionError  # _pauses never ends

    def _call_once(self, what: str, call: Callable[[], Any]) -> dict[str, Any]:
        import requests
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError, TransportError

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
            raise UnreachableError(self._endpoint or "sqladmin.googleapis.com") from error
        except GoogleAuthError as error:  # a token that can't be had anew
            raise ExpiredCredentialsError(what) from error
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
    given = str(headers.get("Retry-After", ""))
    return float(given) if given.isdecimal() else 0.0


def _passes(error: UnreachableError | ApiError) -> bool:
    """Return whether asking again may help: nothing was changed by what failed."""
    return isinstance(error, UnreachableError) or error.status in TRANSIENT


def _nothing() -> None:
    """Let a wait go on."""


def _nobody(_line: str) -> None:
    """Tell nobody."""


def _pauses() -> Iterator[float]:
    pause = POLL_FIRST_S
    while True:
        yield pause
        pause = min(pause * POLL_FACTOR, POLL_MOST_S)
