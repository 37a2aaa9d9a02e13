"""What a fault is: where it is put in, and which check has to see it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ops.checks.crew import Crew
from ops.cloudsql import BackupRun
from ops.errors import OpsError
from ops.journal import Journal
from ops.restore.copies import Made
from ops.restore.proof.marker import Marker
from ops.restore.source import Source

# Each returns what it spoiled, in a person's words.
SpoilsSource = Callable[[Source, Journal], str]
SpoilsCopy = Callable[[Crew, Source, Made], str]


class NothingToSpoilError(OpsError):
    """There is nothing of the kind that the fault spoils."""

    def __init__(self, fault: str, what: str) -> None:
        super().__init__(f"Fault {fault} finds no {what}. Fill the database, or choose another.")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; exactly one of the last six is set.

    Attributes:
        name: as ``--inject`` takes it.
        what: what is spoiled.
        seen_by: the check that has to see it; others may see it too.
        local: whether it works on the local Cloud SQL only.
        base: spoils a base backup of the source, before anything is restored from it.
        archive: spoils the source's archive, before the marker.
        moment: returns to which wrong moment to clone.
        copy: spoils the clone, before it is verified.
        restored: spoils the restored backup, before it is verified.
        runs: spoils the list of backup runs, the newest first, before the drill reads it.
    """

    name: str
    what: str
    seen_by: str
    local: bool = False
    base: SpoilsSource | None = None
    archive: SpoilsSource | None = None
    moment: Callable[[Marker], datetime] | None = None
    copy: SpoilsCopy | None = None
    restored: SpoilsCopy | None = None
    runs: Callable[[Sequence[BackupRun]], Sequence[BackupRun]] | None = None

    def listing(self, runs: Sequence[BackupRun]) -> Sequence[BackupRun]:
        """Return the backup runs that the drill is told of."""
        return runs if self.runs is None else self.runs(runs)
