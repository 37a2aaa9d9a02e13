"""The data folder: one server at a time, and the file that tells others where it answers."""

import fcntl
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from infra.local.engine.account import Account
from infra.local.errors import FolderInUseError, FolderNameError

# What a shell reads between double quotes, where pg_ctl puts paths.
_UNSAFE = frozenset('"$`\n\r')


@dataclass(frozen=True, slots=True)
class Folder:
    """A data folder that this process holds.

    Attributes:
        path: Where it is.
        lock: The open lock file; the lock lasts as long as the process.
    """

    path: Path
    lock: TextIO

    @property
    def announcement(self) -> Path:
        """The file that names the server's address."""
        return self.path / "server.json"

    def announce(self, *, url: str, port: int, pg_port: int) -> None:
        """Tell where the server answers, in one step, readable by its user alone."""
        facts = {
            "url": url,
            "pid": os.getpid(),
            "port": port,
            "pg_port": pg_port,
            "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "data": str(self.path),
        }
        fresh = self.path / "server.json.new"
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(facts, indent=2) + "\n")
        fresh.replace(self.announcement)

    def stands_in(self, *, allowed: bool) -> bool:
        """Return whether another major may stand in here: asked for now, or at an earlier start.

        What was made by one that stood in has to go on with it.
        """
        mark = self.path / "stand-in"
        if allowed:
            mark.touch()
        return mark.exists()

    def withdraw(self) -> None:
        """Take the announcement back."""
        self.announcement.unlink(missing_ok=True)


def hold(path: Path, owner: Account) -> Folder:
    """Make a data folder if need be, and hold it for this process's life.

    Raises:
        FolderInUseError: If another server holds it.
        FolderNameError: If its name means something to a shell.
    """
    if _UNSAFE & set(str(path)):
        raise FolderNameError(path)
    # Another user's clusters must get through to their folders, but see no others.
    mode = 0o700 if owner.is_self else 0o711
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    lock = (path / "server.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        pid = lock.read().strip() or "unknown"
        lock.close()
        raise FolderInUseError(path, pid) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    (path / "instances").mkdir(mode=mode, exist_ok=True)
    (path / "server.json").unlink(missing_ok=True)
    return Folder(path, lock)
