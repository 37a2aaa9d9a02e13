"""Cloud Storage's JSON API: its calls, made again where the service has a bad moment."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING

from ops.errors import OpsError
from ops.statuses import TRANSIENT

if TYPE_CHECKING:
    import requests

ENDPOINT = "https://storage.googleapis.com"
CALL_LIMIT_S = 60.0
PATIENCE_S = (
    60.0  # for which a call is made again; https://cloud.google.com/storage/docs/retry-strategy
)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 8.0


class BucketRefusedError(OpsError):
    """The bucket does not do what was asked of it."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            f"Can't use {where}: {reason}. See that the bucket is there and that you may use its "
            "objects (roles/storage.objectUser)."
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, and whether the call was made more than once."""

    response: "requests.Response"
    again: bool


class StorageApi:
    """Calls to Cloud Storage.

    Args:
        scope: what the credentials are to allow.
        endpoint: another address than Google's, asked without credentials.
        patience_s: for how long a call that fails for a while is made again.
    """

    def __init__(self, scope: str, endpoint: str = "", *, patience_s: float = PATIENCE_S) -> None:
        self._scope, self._endpoint, self._patience_s = scope, endpoint, patience_s

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        where: str,
        content: bytes | None = None,
        *,
        stream: bool = False,
    ) -> "Answer | None":
        """Call, and call again for a while; return None for what is not there.

        Args:
            method: the request's.
            path: the request's.
            query: its parameters.
            where: what is called, for people.
            content: the request's body.
            stream: whether the answer's body is to be read by the caller, piece by piece.

        Raises:
            BucketRefusedError: it was refused, or failed for too long.
            ops.cloudsql.NoCredentialsError: nobody is logged in.
        """
        import requests

        deadline, pause_s, again = time.monotonic() + self._patience_s, FIRST_PAUSE_S, False
        while True:
            reason = ""
            try:
                answer = self._session.request(
                    method,
                    f"{self._endpoint or ENDPOINT}{path}",
                    params=dict(query),
                    data=content,
                    timeout=CALL_LIMIT_S,
                    stream=stream,
                )
            except requests.exceptions.RequestException as error:
                reason = f"{type(error).__name__} on the way"
            else:
                if answer.status_code == HTTPStatus.NOT_FOUND:
                    return None
                if answer.ok or answer.status_code == HTTPStatus.PRECONDITION_FAILED:
                    return Answer(answer, again)
                reason = f"it answers {answer.status_code} {answer.reason}"
                if answer.status_code not in TRANSIENT:
                    raise BucketRefusedError(where, reason)
            wait_s = pause_s * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
            if time.monotonic() + wait_s > deadline:
                raise BucketRefusedError(where, reason)
            time.sleep(wait_s)
            pause_s, again = min(pause_s * 2, LONGEST_PAUSE_S), True

    @cached_property
    def _session(self) -> "requests.Session":
        import google.auth
        import google.auth.exceptions
        import requests
        from google.auth.transport.requests import AuthorizedSession

        from ops.cloudsql import NoCredentialsError

        if self._endpoint:
            return requests.Session()
        try:
            credentials, _ = google.auth.default(scopes=[self._scope])
        except google.auth.exceptions.DefaultCredentialsError as error:
            raise NoCredentialsError from error
        session: requests.Session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]  # google-auth is untyped
        return session
