"""Leases, journals and evidence in a Cloud Storage bucket: what a job's disk can't keep.

The conditions are the bucket's own: an object has a generation, and a write can name the one
that it means to replace, 0 for none
(https://cloud.google.com/storage/docs/request-preconditions).
"""

from http import HTTPStatus
from urllib.parse import quote

from ops.storageapi import PATIENCE_S, BucketRefusedError, StorageApi
from ops.store import Stored

__all__ = ["BucketRefusedError", "BucketStore"]

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
ANY = ""  # a condition that always holds


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
        self._api = StorageApi(SCOPE, endpoint, patience_s=patience_s)

    def get(self, key: str) -> Stored | None:
        """Return an object, or None."""
        reply = self._api.call("GET", self._object(key), {"alt": "media"}, self.where(key))
        if reply is None:
            return None
        answer = reply.response
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
        self._api.call("DELETE", self._object(key), {}, self.where(key))

    def tidy(self) -> None:
        """Leave all as it is: an object is there whole, or not at all."""

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the keys below a prefix, sorted."""
        names: list[str] = []
        query = {"prefix": f"{self._folder}/{prefix}/", "fields": "items(name),nextPageToken"}
        while True:
            answer = self._api.call(
                "GET", f"/storage/v1/b/{self._bucket}/o", query, self.where(prefix)
            )
            if answer is None:
                raise BucketRefusedError(self.where(prefix), "there is no such bucket")
            page = answer.response.json()
            names += [str(item["name"]) for item in page.get("items", ())]
            if not (token := page.get("nextPageToken")):
                return tuple(sorted(name.removeprefix(f"{self._folder}/") for name in names))
            query["pageToken"] = token

    def where(self, key: str) -> str:
        """Return the object's address."""
        return f"gs://{self._bucket}/{self._folder}/{key}"

    def _object(self, key: str) -> str:
        return f"/storage/v1/b/{self._bucket}/o/{quote(f'{self._folder}/{key}', safe='')}"

    def _write(self, key: str, content: bytes, condition: str) -> bool:
        query = {"uploadType": "media", "name": f"{self._folder}/{key}"}
        if condition != ANY:
            query["ifGenerationMatch"] = condition
        path = f"/upload/storage/v1/b/{self._bucket}/o"
        answer = self._api.call("POST", path, query, self.where(key), content)
        if answer is None:
            raise BucketRefusedError(self.where(key), "there is no such bucket")
        if answer.response.status_code != HTTPStatus.PRECONDITION_FAILED:
            return True
        # An answer may have been lost, and the call made again: then what is there is ours.
        stored = self.get(key) if answer.again else None
        return stored is not None and stored.content == content
