"""Things spoiled on demand: lost or corrupt WAL and backups, a killed primary, a full disk.

What is taken away is kept, so that healing puts it back; a server that starts again has
forgotten it, and what was destroyed stays destroyed.
"""

import os
import random
import shutil
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from infra.local.engine import archive, basebackup, wal
from infra.local.engine.cluster import Cluster
from infra.local.errors import EngineError

PAGE_BYTES = 8192
# Filling more than this would take the machine with it.
SMALL_DISK_BYTES = 4 << 30
NEWEST, OLDEST = "newest", "oldest"


class NothingToSpoilError(EngineError):
    """There is nothing of the kind that was to be spoiled."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is nothing to spoil: {what}.")


class BigDiskError(EngineError):
    """The data folder's file system is not one to be filled."""

    def __init__(self, size: int) -> None:
        super().__init__(
            f"The data folder lies on a file system of {size >> 20} MB, which others use too: it "
            "is not filled. Start the server on a small one, as root with `invoke local.up "
            "--disk-mb 500`."
        )


@dataclass(frozen=True, slots=True)
class Spoiled:
    """One thing that is spoiled now.

    Attributes:
        id: The fault's.
        kind: The fault's.
        instance: Name of the instance; empty for the disk.
        path: The file that is gone, corrupt or too much; None for a process.
        heal: Makes it good again, as far as this server can.
    """

    id: int
    kind: str
    instance: str
    path: Path | None
    heal: Callable[[], None]


class Damage:
    """What is spoiled now; safe to use from several threads."""

    def __init__(self) -> None:
        self._spoiled: dict[int, Spoiled] = {}
        self._lock = threading.Lock()

    def add(self, spoiled: Spoiled) -> None:
        """Remember something, to be healed."""
        with self._lock:
            self._spoiled[spoiled.id] = spoiled

    def active(self) -> tuple[Spoiled, ...]:
        """Return what is spoiled now."""
        with self._lock:
            return tuple(self._spoiled.values())

    def heal(self, fault_id: int | None = None) -> None:
        """Make one thing good again, or everything, the newest first."""
        with self._lock:
            numbers = [number for number in self._spoiled if fault_id in (None, number)]
            healed = [self._spoiled.pop(number) for number in sorted(numbers, reverse=True)]
        for spoiled in healed:
            spoiled.heal()


def segment_of(cluster: Cluster, position: str) -> Path:
    """Return an archived WAL segment.

    Args:
        cluster: Whose archive it is.
        position: ``newest``, ``oldest``, a number counted from the oldest (1), or a time: the
            segment that holds the first transaction that ended then or later.

    Raises:
        NothingToSpoilError: There is no such segment.
        ValueError: ``position`` is none of these.
    """
    folder = cluster.settings.archive
    segments = wal.segments(folder) if folder is not None and folder.exists() else ()
    if folder is None or not segments:
        raise NothingToSpoilError("the instance has no archived WAL")
    if position in (NEWEST, OLDEST):
        return folder / segments[-1 if position == NEWEST else 0].name
    if position.isdecimal():
        if not 1 <= int(position) <= len(segments):
            raise NothingToSpoilError(f"the archive has {len(segments)} WAL segments")
        return folder / segments[int(position) - 1].name
    moment = datetime.fromisoformat(position)
    if moment.tzinfo is None:
        raise ValueError(position)
    for segment in segments:
        path = folder / segment.name
        if any(switch >= moment for switch in archive.finished_in(cluster, cluster.programs, path)):
            return path
    raise NothingToSpoilError(f"no archived WAL segment reaches {position}")


def file_of_backup(folder: Path) -> Path:
    """Return the file of a base backup whose loss or corruption shows surely.

    It is the biggest table's or index's of a user; without one, the control file.

    Raises:
        NothingToSpoilError: The backup has no files.
    """
    data = basebackup.data_of(folder)
    first_of_users = 16384
    paths = [
        path
        for path in data.glob("base/*/*")
        if path.name.isdecimal()
        and int(path.name) >= first_of_users
        and path.stat().st_size >= PAGE_BYTES
    ]
    chosen = max(paths, key=lambda path: (path.stat().st_size, path.name), default=None)
    return control_file(folder) if chosen is None else chosen


def control_file(folder: Path) -> Path:
    """Return the control file of a base backup, without which it can't be started."""
    path = basebackup.data_of(folder) / "global" / "pg_control"
    if not path.is_file():
        raise NothingToSpoilError("the backup has no files")
    return path


def lose(path: Path, keep: Path) -> Callable[[], None]:
    """Take a file away; return what puts it back."""
    keep.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.rename(keep)
    return lambda: _put_back(keep, path)


def corrupt(path: Path, keep: Path, seed: int) -> Callable[[], None]:
    """Garble a page of a file, of the first one too; return what makes it good again.

    Clones and backups share files that never change: theirs stay as they are.
    """
    heal = lose(path, keep)
    shutil.copy2(keep, path)
    owner = keep.stat()
    os.chown(path, owner.st_uid, owner.st_gid)
    chance = random.Random(seed)  # noqa: S311 - no secret
    pages = max(1, owner.st_size // PAGE_BYTES)
    with path.open("r+b") as file:
        for page in {0, chance.randrange(pages)}:
            file.seek(page * PAGE_BYTES)
            before = file.read(PAGE_BYTES)
            file.seek(page * PAGE_BYTES)
            file.write(
                bytes(byte ^ mask for byte, mask in zip(before, _masks(chance), strict=False))
            )
    return heal


def _masks(chance: random.Random) -> bytes:
    """Return a page of bytes that change whatever they are laid over."""
    return bytes(chance.randrange(1, 256) for _ in range(PAGE_BYTES))


def _put_back(keep: Path, path: Path) -> None:
    # What it belongs to may have been deleted meanwhile.
    with suppress(FileNotFoundError):
        keep.rename(path)
    keep.unlink(missing_ok=True)


def kill(cluster: Cluster) -> None:
    """Kill an instance's postmaster, as a crash of its machine would.

    Raises:
        NothingToSpoilError: It does not run.
    """
    pid = cluster.postmaster()
    if pid is None:
        raise NothingToSpoilError("the instance does not run")
    os.kill(pid, signal.SIGKILL)


def fill(data: Path, filler: Path, free_bytes: int) -> Callable[[], None]:
    """Fill the data folder's file system; return what empties it again.

    Args:
        data: The data folder.
        filler: The file to do it with.
        free_bytes: What is left free; without any, PostgreSQL itself ends when it writes WAL.

    Raises:
        BigDiskError: It is not a small one.
    """
    disk = os.statvfs(data)
    if disk.f_blocks * disk.f_frsize > SMALL_DISK_BYTES:
        raise BigDiskError(disk.f_blocks * disk.f_frsize)
    filler.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with filler.open("wb") as file:
        amount = _room(data) - free_bytes
        while amount >= PAGE_BYTES:
            try:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), amount)
            except OSError:
                amount //= 2  # somebody else was quicker
            else:
                amount = _room(data) - free_bytes
    return lambda: filler.unlink(missing_ok=True)


def _room(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def forget(folder: Path) -> None:
    """Remove at a start what an earlier server kept: what it destroyed stays destroyed."""
    shutil.rmtree(folder, ignore_errors=True)
