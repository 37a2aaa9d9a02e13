"""Objects in buckets, as ``gs://bucket/object``: files below the data folder.

A bucket is there when its folder is, ``buckets/BUCKET`` in the data folder; an object is a
file in it. Names that end in ``.gz`` mean compressed content, as for Cloud SQL.
"""

import gzip
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from infra.local.errors import EngineError

_URI = re.compile(r"gs://([^/]+)/(.+)", re.DOTALL)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_NAME_LIMIT_BYTES = 1024  # Cloud Storage's
_PART_LIMIT_BYTES = 255  # a file name's
_LEVEL = 6  # gzip's own default: half the time of 9, nearly its size
# Where objects are written before they have their name.
_UNFINISHED = ".unfinished"


class BadUriError(EngineError):
    """An object's address can't be one."""

    def __init__(self, uri: str, why: str) -> None:
        super().__init__(f"The URI {uri[:200]!r} is no address of an object: {why}.")


class NoBucketError(EngineError):
    """There is no such bucket."""

    def __init__(self, bucket: str) -> None:
        super().__init__(
            "The service account does not have the required permissions for the bucket "
            f"(there is no bucket {bucket} here: `invoke local.bucket --name {bucket}` makes it)."
        )


class NoObjectError(EngineError):
    """There is no such object."""

    code = "ERROR_RDBMS"

    def __init__(self, uri: str) -> None:
        super().__init__(f"failed to download data from GCS URL {uri}: the object does not exist")


class ObjectExistsError(EngineError):
    """There is an object of this name already."""

    code = "ERROR_RDBMS"

    def __init__(self, uri: str) -> None:
        super().__init__(f"failed to upload data to GCS URL {uri}: the file already exists")


@dataclass(frozen=True, slots=True)
class Uri:
    """An object's address.

    Attributes:
        bucket: The bucket's name.
        name: The object's, with slashes.
    """

    bucket: str
    name: str

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.name}"

    @property
    def compressed(self) -> bool:
        """Whether the content is gzip's."""
        return self.name.endswith(".gz")


def parse(uri: str) -> Uri:
    """Return the object that an address means.

    Raises:
        BadUriError: It is none, or one that can't be a file here.
    """
    match = _URI.fullmatch(uri)
    if match is None:
        raise BadUriError(uri, "give gs://BUCKET/OBJECT")
    bucket, name = match.groups()
    check_bucket(bucket)
    if len(name.encode(errors="replace")) > _NAME_LIMIT_BYTES:
        raise BadUriError(uri, f"an object's name has at most {_NAME_LIMIT_BYTES} bytes")
    if not name.isprintable():
        raise BadUriError(uri, "an object's name has no control characters")
    for part in name.split("/"):
        if part in ("", ".", ".."):
            raise BadUriError(uri, "no part of an object's name may be empty, '.' or '..'")
        if len(part.encode()) > _PART_LIMIT_BYTES:
            raise BadUriError(uri, f"a part between slashes has at most {_PART_LIMIT_BYTES} bytes")
    return Uri(bucket, name)


def check_bucket(name: str) -> None:
    """Refuse a name that can be no bucket's.

    Raises:
        BadUriError: It can't.
    """
    if not _BUCKET.fullmatch(name) or ".." in name:
        raise BadUriError(
            f"gs://{name}", "a bucket has 3-222 lower-case letters, digits, '-', '_', '.'"
        )


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of a data folder.

    Attributes:
        folder: Has a folder for each of them.
    """

    folder: Path

    def names(self) -> tuple[str, ...]:
        """Return the buckets there are."""
        entries = self.folder.iterdir() if self.folder.is_dir() else ()
        return tuple(
            sorted(
                entry.name for entry in entries if entry.is_dir() and _BUCKET.fullmatch(entry.name)
            )
        )

    def make(self, bucket: str) -> Path:
        """Make a bucket where it is missing; return its folder.

        Raises:
            BadUriError: Its name can't be a bucket's.
        """
        check_bucket(bucket)
        folder = self.folder / bucket
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def check(self, uri: Uri) -> None:
        """Check that an object's bucket is there.

        Raises:
            NoBucketError: It is not.
        """
        if not (self.folder / uri.bucket).is_dir():
            raise NoBucketError(uri.bucket)

    def path(self, uri: Uri) -> Path:
        """Return an object's file, there or not; never one outside its bucket.

        Raises:
            NoBucketError: Its bucket is not there.
            BadUriError: A link leads out of the bucket.
        """
        self.check(uri)
        bucket = (self.folder / uri.bucket).resolve()
        path = (bucket / uri.name).resolve()
        if not path.is_relative_to(bucket):
            raise BadUriError(str(uri), "a link in the bucket's folder leads out of it")
        return path

    @contextmanager
    def reading(self, uri: Uri) -> Iterator[BinaryIO]:
        """Yield an object's content, decompressed.

        Raises:
            NoObjectError: It is not there.
        """
        path = self.path(uri)
        if not path.is_file():
            raise NoObjectError(str(uri))
        with path.open("rb") as file:
            if not uri.compressed:
                yield file
                return
            with gzip.GzipFile(fileobj=file, mode="rb") as content:
                yield cast("BinaryIO", content)

    @contextmanager
    def writing(self, uri: Uri, draft: str) -> Iterator[BinaryIO]:
        """Yield where an object's content goes; the object is there when the block is left.

        Args:
            uri: The object.
            draft: Names what is unfinished, for ``discard``; see ``new_draft``.

        Raises:
            ObjectExistsError: There is one already, or one was made meanwhile.
        """
        target = self.path(uri)
        if target.exists():
            raise ObjectExistsError(str(uri))
        unfinished = self._unfinished(draft)
        unfinished.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            unfinished.touch(mode=0o600, exist_ok=False)
            with unfinished.open("wb") as file:
                if uri.compressed:
                    with gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as content:
                        yield cast("BinaryIO", content)
                else:
                    yield file
                file.flush()
                os.fsync(file.fileno())
            _publish(unfinished, target, uri)
        finally:
            self.discard(draft)

    def discard(self, draft: str) -> None:
        """Remove what was left unfinished."""
        self._unfinished(draft).unlink(missing_ok=True)

    def _unfinished(self, draft: str) -> Path:
        return self.folder / _UNFINISHED / draft


def new_draft() -> str:
    """Return a name for an object that is being written."""
    return uuid.uuid4().hex


def _publish(unfinished: Path, target: Path, uri: Uri) -> None:
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A link and no renaming: an object that was made meanwhile is not replaced.
        target.hardlink_to(unfinished)
    except (FileExistsError, NotADirectoryError):
        raise ObjectExistsError(str(uri)) from None
