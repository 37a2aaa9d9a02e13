"""How new the state is, kept beside it: an older state that is put back is noticed."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mark:
    """Which state it is, and how new.

    Attributes:
        identity: Made once, with the state.
        sequence: How many changes were written to it.
    """

    identity: str
    sequence: int


@dataclass(frozen=True, slots=True)
class MarkFile:
    """A file with the mark of the state that was written last.

    Attributes:
        path: Where it is.
    """

    path: Path

    def read(self) -> Mark | None:
        """Return the mark; None where there is none, or nothing that was one."""
        try:
            identity, sequence = self.path.read_text(encoding="ascii").split()
            return Mark(identity, int(sequence))
        except (OSError, ValueError):
            return None

    def write(self, mark: Mark) -> None:
        """Write a mark over the last one.

        In place and always as long, so that it needs no space and no sync: a kill leaves the
        last one or this one. One that could not be written lags behind, which refuses less.
        """
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(descriptor, f"{mark.identity} {mark.sequence:020d}\n".encode(), 0)
            finally:
                os.close(descriptor)
