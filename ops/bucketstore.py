"""Leases, journals and evidence in a Cloud Storage bucket: what a job's disk can't keep.

The conditions are the bucket's own: an object has a generation, and a write can name the one
that it means to replace, 0 for none
(https://cloud.google.com/storage/docs/request-preconditions).
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from ops.errors import OpsError
from ops.store import Stored

if TYPE_CHECKING:
    import requests

ENDPOINT = "https://storage.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
CALL_LIMIT_S = 60.0
PATIENCE_S = (
    60.0  # for which a call is made again; https://cloud.google.com/storage/docs/retry-strategy
)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 8.0
TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
NOT_FOUND, UNMET = 404, 412
ANY = ""  # a condition that always holds


class BucketRefusedError(OpsError):
    """The bucket does not do what was asked of it."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            f"Can't use {where}: {reason}. See that the bucket is there and that you may use its "
            "objects (roles/storage.objectUser)."
        )


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response, and whether the call was made more than once."""

    response: "requests.Response"
    again: bool


class BucketStore:
    """A store in a bucket.

    Args:
        bucket: its name.
        folder: what the names of all objects begin with, without a last slash.
        endpoint: another address than Google's, asked without credentials.
        patience_s: for how long a call that fails for a while is made again.
    """

    def __init__(
        self, bucket: str, folder: str, endpoint: str = "", *, patience_s: float = PATIENCE_S
    ) -> None:
        self._bucket, self._folder = bucket, folder
        self._endpoint, self._patience_s = endpoint, patience_s

    def get(self, key: str) -> Stored | None:
        """Return an object, or None."""
        found = self._call("GET", self._object(key), {"alt": "media"}, key=key)
        if found is None:
            return None
        answer = found.response
        return Stored(answer.content, str(answer.headers["x-goog-generation"]))

    def create(self, key: str, content: bytes) -> bool:
        """Write an object unless there is one; return whether we wrote."""
        return self._write(key, content, "0")

    def replace(self, key: str, content: bytes, version: str) -> bool:
        """Write over an object if it still has this version; return whether we wrote."""
        return self._write(key, content, version)

    def put(self, key: str, content: bytes) -> None:
        """Write an object, whatever was there."""
        self._write(key, content, ANY)

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        self._call("DELETE", self._object(key), {}, key=key)

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the keys below a prefix, sorted."""
        found: list[str] = []
        asked = {"prefix": f"{self._folder}/{prefix}/", "fields": "items(name),nextPageToken"}
        while True:
            answer = self._call("GET", f"/storage/v1/b/{self._bucket}/o", asked, key=prefix)
            if answer is None:
                raise BucketRefusedError(self.where(prefix), "there is no such bucket")
            page = answer.response.json()
            found += [str(item["name"]) for item in page.get("items", ())]
            if not (token := page.get("nextPageToken")):
                return tuple(sorted(name.removeprefix(f"{self._folder}/") for name in found))
            asked["pageToken"] = token

    def where(self, key: str) -> str:
        """Return the object's address."""
        return f"gs://{self._bucket}/{self._folder}/{key}"

    def _object(self, key: str) -> str:
        return f"/storage/v1/b/{self._bucket}/o/{quote(f'{self._folder}/{key}', safe='')}"

    def _write(self, key: str, content: bytes, condition: str) -> bool:
        asked = {"uploadType": "media", "name": f"{self._folder}/{key}"}
        if condition != ANY:
            asked["ifGenerationMatch"] = condition
        path = f"/upload/storage/v1/b/{self._bucket}/o"
        answer = self._call("POST", path, asked, key=key, content=content)
        if answer is None:
            raise BucketRefusedError(self.where(key), "there is no such bucket")
        if answer.response.status_code != UNMET:
            return True
        # An answer may have been lost, and the call made again: then what is there is ours.
        there = self.get(key) if answer.again else None
        return there is not None and there.content == content

    def _call(
        self,
        method: str,
        path: str,
        asked: Mapping[str, str],
        *,
        key: str,
        content: bytes | None = None,
    ) -> "_Answer | None":
        """Call, and call again for a while; return None for what is not there."""
        import requests

        deadline, pause_s, again = time.monotonic() + self._patience_s, FIRST_PAUSE_S, False
        while True:
            reason = ""
            try:
                answer = self._session.request(
                    method,
                    f"{self._endpoint or ENDPOINT}{path}",
                    params=dict(asked),
                    data=content,
                    timeout=CALL_LIMIT_S,
                )
            except requests.exceptions.RequestException as error:
                reason = f"{type(error).__name__} on the way"
            else:
                if answer.status_code == NOT_FOUND:
                    return None
                if answer.ok or answer.status_code == UNMET:
                    return _Answer(answer, again)
                reason = f"it answers {answer.status_code} {answer.reason}"
                if answer.status_code not in TRANSIENT:
                    raise BucketRefusedError(self.where(key), reason)
            wait_s = pause_s * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
            if time.monotonic() + wait_s > deadline:
                raise BucketRefusedError(self.where(key), reason)
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
            credentials, _ = google.auth.default(scopes=[SCOPE])
        except google.auth.exceptions.DefaultCredentialsError as error:
            raise NoCredentialsError from error
        session: requests.Session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]  # google-auth is untyped
        return session
