"""Where an instance's files lie."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one instance.

    An instance's archive is renewed when its content is replaced (a restore), since the
    WAL before and after belongs to different histories: each such era has its own folder.

    Attributes:
        root: The instance's folder.
        socket: Folder of its socket; short, since the path of a socket has at most 107 bytes.
    """

    root: Path
    socket: Path

    @property
    def data(self) -> Path:
        """The cluster's data directory (PGDATA)."""
        return self.root / "data"

    @property
    def incoming(self) -> Path:
        """Where a restore prepares the next data directory."""
        return self.root / "incoming"

    @property
    def outgoing(self) -> Path:
        """The data directory that a restore replaced, until the new one has proved itself."""
        return self.root / "outgoing"

    @property
    def moving(self) -> Path:
        """Where the programs of an export or an import work."""
        return self.root / "moving"

    @property
    def log(self) -> Path:
        """PostgreSQL's log."""
        return self.root / "postgresql.log"

    @property
    def bases(self) -> Path:
        """Folder of the base backups."""
        return self.root / "bases"

    def base(self, base_id: int) -> Path:
        """Return the folder of one base backup; its data directory is ``data`` below it."""
        return self.bases / str(base_id)

    def archive(self, era: int) -> Path:
        """Return the WAL archive of one era."""
        return self.root / "archive" / str(era)
