"""Damage in the files of a copy's cluster, done while it is stopped: the local Cloud SQL only."""

from dataclasses import dataclass
from pathlib import Path

from ops import sql
from ops.checks.crew import Crew
from ops.db import statement
from ops.restore.copies import Made
from ops.restore.faults import cluster, damage
from ops.restore.faults.damage import Change
from ops.restore.faults.fault import Fault, NothingToSpoilError
from ops.restore.source import Source


@dataclass(frozen=True, slots=True)
class _InFile:
    """Changes the file of the first table or index that there is one of.

    Attributes:
        fault: the fault's name.
        kind: table or index.
        change: what happens to the file.
    """

    fault: str
    kind: str
    change: Change

    def __call__(self, crew: Crew, source: Source, copy: Made) -> str:
        """Return whose file was spoiled; raises NothingToSpoilError."""
        query = statement(sql.load(f"faults/files_of_{self.kind}"))
        with cluster.as_superuser(crew, source, copy) as connection:
            row = connection.execute(query).fetchone()
        if row is None:
            raise NothingToSpoilError(self.fault, f"{self.kind} of more than two pages")
        name, file = row
        with cluster.stopped(source, copy) as local:
            self.change(local.home / file)
        return f"{name}, file {file}"


def _fault(name: str, what: str, seen_by: str, kind: str, change: Change) -> Fault:
    return Fault(name, what, seen_by, local=True, copy=_InFile(name, kind, change))


def _remove(path: Path) -> None:
    path.unlink()


FAULTS = (
    _fault("truncated-table", "a table's file, empty", "counts", "table", damage.empty),
    _fault("halved-table", "half of a table's file", "counts", "table", damage.halve),
    _fault("zeroed-page", "a table's page, zeros", "counts", "table", damage.zero_page(1)),
    _fault("garbled-page", "flipped bits in a table", "content", "table", damage.garble),
    _fault("lost-file", "a table's file, gone", "content", "table", _remove),
    _fault("zeroed-index", "an index's page, zeros", "amcheck", "index", damage.zero_page(1)),
    _fault("garbled-index", "flipped bits in an index", "amcheck", "index", damage.garble),
)
