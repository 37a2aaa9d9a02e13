"""Objects that exports go to and imports come from, ``gs://bucket/name``: facts, and content.

On the local Cloud SQL a bucket is a folder below its data; elsewhere it is Cloud Storage's.
"""

import base64
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast
from urllib.parse import quote

from ops.errors import BadInputError, OpsError
from ops.storageapi import StorageApi

SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
# https://cloud.google.com/storage/docs/buckets#naming, https://cloud.google.com/storage/docs/objects#naming
_URI = re.compile(r"gs://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])/([^\r\n]{1,1024})")


class BadUriError(BadInputError):
    """What was given is no object's address."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no object's address. Give one such as gs://bucket/name.")


class NoObjectError(OpsError):
    """There is nothing at an address."""

    def __init__(self, uri: "Uri") -> None:
        super().__init__(f"There is no object {uri}. See `gcloud storage ls gs://{uri.bucket}`.")


@dataclass(frozen=True, slots=True)
class Uri:
    """An object's address."""

    bucket: str
    name: str

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.name}"


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What is known of an object without reading it.

    Attributes:
        size_bytes: of its content as it is kept.
        md5: of its content, in hexadecimal; empty where the bucket does not tell.
    """

    size_bytes: int
    md5: str = ""


class Objects(Protocol):
    """Where objects are."""

    def find(self, uri: Uri) -> ObjectFacts | None:
        """Return what is known of an object; None where there is none."""

    def open(self, uri: Uri) -> AbstractContextManager[BinaryIO]:
        """Open an object's content for the block; raises NoObjectError."""


def parse(text: str) -> Uri:
    """Return the address of a text; raises BadUriError."""
    match = _URI.fullmatch(text)
    if match is None or match[2].endswith("/") or ".." in match[2].split("/"):
        raise BadUriError(text)
    return Uri(*match.groups())


@dataclass(frozen=True, slots=True)
class FolderObjects:
    """The buckets of a local Cloud SQL: folders in ``root``."""

    root: Path

    def find(self, uri: Uri) -> ObjectFacts | None:
        """Return what is known of an object; None where there is none."""
        path = self.root / uri.bucket / uri.name
        return ObjectFacts(path.stat().st_size) if path.is_file() else None

    @contextmanager
    def open(self, uri: Uri) -> Iterator[BinaryIO]:
        """Open an object's content for the block; raises NoObjectError."""
        try:
            file = (self.root / uri.bucket / uri.name).open("rb")
        except OSError:
            raise NoObjectError(uri) from None
        with file:
            yield file


class BucketObjects:
    """Objects of Cloud Storage.

    Args:
        endpoint: another address than Google's, asked without credentials.
    """

    def __init__(self, endpoint: str = "") -> None:
        self._api = StorageApi(SCOPE, endpoint)

    def find(self, uri: Uri) -> ObjectFacts | None:
        """Return what is known of an object; None where there is none."""
        query = {"fields": "size,md5Hash"}
        reply = self._api.call("GET", _path(uri), query, str(uri))
        if reply is None:
            return None
        facts = reply.response.json()
        digest = base64.b64decode(facts.get("md5Hash", ""))
        return ObjectFacts(int(facts.get("size", 0)), digest.hex())

    @contextmanager
    def open(self, uri: Uri) -> Iterator[BinaryIO]:
        """Open an object's content for the block; raises NoObjectError."""
        reply = self._api.call("GET", _path(uri), {"alt": "media"}, str(uri), stream=True)
        if reply is None:
            raise NoObjectError(uri)
        with reply.response as response:
            yield cast(
                "BinaryIO", response.raw
            )  # as it is kept: nothing is decompressed on the way


def _path(uri: Uri) -> str:
    return f"/storage/v1/b/{uri.bucket}/o/{quote(uri.name, safe='')}"
