"""Space kept on the disk, so that a full one does not keep the server from saying so."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BYTES = 4 * 1024 * 1024  # some hundred operations' rows in SQLite's log


@dataclass(frozen=True, slots=True)
class Reserve:
    """A file of zeros that is given up when the disk is full.

    Attributes:
        path: Where it is.
    """

    path: Path

    def fill(self) -> None:
        """Make the file where it is missing and the disk has room; else leave it."""
        if self.path.exists():
            return
        try:
            with self.path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, BYTES)
        except OSError:
            self.spend()

    def spend(self) -> bool:
        """Remove the file; return whether there was one."""
        with suppress(FileNotFoundError):
            self.path.unlink()
            return True
        return False
