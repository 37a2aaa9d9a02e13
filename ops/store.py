"""Where leases, journals, evidence and snapshots live: a folder; in a bucket: ops.bucketstore.

The operations are those that an object store with conditional writes offers:
whole objects, created only if absent or replaced only if unchanged. A scheduled
job's own disk vanishes, so nothing of a room may need more than this.
"""

import fcntl
import hashlib
import os
import random
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from ops.errors import ExitCode, OpsError

# journal/ROOM/RUN/ENTRY: nobody but the run writes below it, so its folder may go.
_DEPTH_OF_A_RUN = 3
_ATTEMPTS = 100  # to write into a folder that others remove again and again
_PAUSE_S = 0.002  # at most, before the next attempt
_DRAFT = ".draft-"  # then the machine and the process that writes it


class StoreUnreadableError(OpsError):
    """Something in the store can't be read, so nobody knows what it says."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNKNOWN

    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(
            f"Can't read {path}: {error.strerror or type(error).__name__}. Make it readable for "
            "whoever runs this."
        )


class StoreFullError(OpsError):
    """The store takes no more."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"Can't write {path}: {reason}. Free space there, or make it writable.")


@dataclass(frozen=True, slots=True)
class Stored:
    """An object and the version that a conditional replacement names."""

    content: bytes
    version: str


class Store(Protocol):
    """Whole objects by key."""

    def get(self, key: str) -> Stored | None:
        """Return an object, or None."""

    def create(self, key: str, content: bytes) -> bool:
        """Write an object unless there is one; return whether we wrote."""

    def replace(self, key: str, content: bytes, version: str) -> bool:
        """Write over an object if it still has this version; return whether we wrote."""

    def put(self, key: str, content: bytes) -> None:
        """Write an object, whatever was there."""

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the keys below a prefix, sorted."""

    def where(self, key: str) -> str:
        """Return how a person finds the object: a path or an address."""

    def tidy(self) -> None:
        """Remove what writers of this machine left half written when they were killed."""


@dataclass(frozen=True, slots=True)
class FolderStore:
    """A store in a folder; every write is atomic and on the disk before it returns."""

    root: Path

    def get(self, key: str) -> Stored | None:
        """Return an object, or None."""
        try:
            content = (self.root / key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnreadableError(str(self.root / key), error) from error
        return Stored(content, hashlib.sha256(content).hexdigest())

    def create(self, key: str, content: bytes) -> bool:
        """Write an object unless there is one; return whether we wrote."""
        with self._written(key, content) as draft:
            try:
                os.link(draft, self.root / key)
            except FileExistsError:
                return False
        self._sync(key)
        return True

    def replace(self, key: str, content: bytes, version: str) -> bool:
        """Write over an object if it still has this version; return whether we wrote."""
        with self._locked():
            now = self.get(key)
            if now is None or now.version != version:
                return False
            self.put(key, content)
            return True

    def put(self, key: str, content: bytes) -> None:
        """Write an object, whatever was there."""
        with self._written(key, content) as draft:
            draft.replace(self.root / key)
        self._sync(key)

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        target = self.root / key
        with suppress(FileNotFoundError):
            target.unlink()
        if key.count("/") >= _DEPTH_OF_A_RUN:
            with suppress(OSError):  # it holds more
                target.parent.rmdir()

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the keys below a prefix, sorted."""

        def refuse(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):  # removed while we looked
                raise StoreUnreadableError(str(error.filename), error) from error

        paths = [
            Path(folder, name)
            for folder, _, names in os.walk(self.root / prefix, onerror=refuse)
            for name in names
        ]
        return tuple(
            sorted(
                str(path.relative_to(self.root))
                for path in paths
                if path.is_file() and not path.name.startswith(".")
            )
        )

    def where(self, key: str) -> str:
        """Return the object's path."""
        return str(self.root / key)

    def tidy(self) -> None:
        """Remove the drafts of processes of this machine that are gone."""
        own = f"{_DRAFT}{socket.gethostname()}-"
        for folder, _, names in os.walk(self.root, topdown=False):
            drafts = [name for name in names if name.startswith(own)]
            for name in drafts:
                if not Path(f"/proc/{name.removeprefix(own).partition('-')[0]}").exists():
                    Path(folder, name).unlink(missing_ok=True)
            if drafts and len(Path(folder).relative_to(self.root).parts) >= _DEPTH_OF_A_RUN:
                with suppress(OSError):  # it holds more
                    Path(folder).rmdir()

    @contextmanager
    def _written(self, key: str, content: bytes) -> Iterator[Path]:
        target = self.root / key
        draft: Path | None = None
        try:
            descriptor, name = _open_draft(target.parent)
            draft = Path(name)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if draft is not None:
                draft.unlink(missing_ok=True)
            raise StoreFullError(target, error.strerror or str(error)) from error
        try:
            yield draft
        finally:
            draft.unlink(missing_ok=True)

    def _sync(self, key: str) -> None:
        try:
            folder = os.open((self.root / key).parent, os.O_RDONLY)
        except FileNotFoundError:  # another process closed this run meanwhile: nothing to keep
            return
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _open_draft(folder: Path) -> tuple[int, str]:
    """Create a draft in a folder, which another process may remove as soon as it is empty."""
    prefix = f"{_DRAFT}{socket.gethostname()}-{os.getpid()}-"
    for _ in range(_ATTEMPTS):
        with suppress(FileNotFoundError, FileExistsError):
            folder.mkdir(parents=True, exist_ok=True)
            # Not NamedTemporaryFile: a Ctrl-C that arrives in its __del__ is lost.
            return tempfile.mkstemp(dir=folder, prefix=prefix)
        time.sleep(random.uniform(0, _PAUSE_S))  # noqa: S311 - else both keep the same step
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.mkstemp(dir=folder, prefix=prefix)
