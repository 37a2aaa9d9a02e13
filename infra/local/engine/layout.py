"""Where an instance's files lie."""

from dataclasses import dataclass, replace
from pathlib import Path

SIDES = ("data", "data.2")


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one instance.

    An instance's archive is renewed when its content is replaced (a restore), since the
    WAL before and after belongs to different histories: each such era has its own folder.

    Attributes:
        root: The instance's folder.
        socket: Folder of its socket; short, since the path of a socket has at most 107 bytes.
        side: Name of the data directory: a failover moves to the other one.
        log_name: Name of the log, one a role.
    """

    root: Path
    socket: Path
    side: str = SIDES[0]
    log_name: str = "postgresql.log"

    @property
    def data(self) -> Path:
        """The cluster's data directory (PGDATA)."""
        return self.root / self.side

    @property
    def standby(self) -> "Layout":
        """Where the files of the standby beside it lie."""
        other = next(side for side in SIDES if side != self.side)
        socket = self.socket.with_name(f"{self.socket.name}s")
        return replace(self, socket=socket, side=other, log_name="standby.log")

    @property
    def synchronous(self) -> Path:
        """The configuration file that says whether commits wait for the standby."""
        return self.root / "synchronous.conf"

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
        return self.root / self.log_name

    @property
    def bases(self) -> Path:
        """Folder of the base backups."""
        return self.root / "bases"

    @property
    def tls(self) -> Path:
        """Folder of the instance's certificates."""
        return self.root / "tls"

    def base(self, base_id: int) -> Path:
        """Return the folder of one base backup; its data directory is ``data`` below it."""
        return self.bases / str(base_id)

    def archive(self, era: int) -> Path:
        """Return the WAL archive of one era."""
        return self.root / "archive" / str(era)
