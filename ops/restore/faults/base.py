"""Spoiled base backups of the source: the local Cloud SQL only, put back from the journal."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ops import sql
from ops.db import DIAGNOSTIC, statement
from ops.journal import Journal
from ops.restore import cleanup
from ops.restore.faults import cluster, damage
from ops.restore.faults.damage import Change
from ops.restore.faults.fault import Fault, NothingToSpoilError
from ops.restore.source import Source


@dataclass(frozen=True, slots=True)
class _InTable:
    """Changes a table's file in the newest base backup."""

    fault: str
    change: Change

    def __call__(self, source: Source, journal: Journal) -> str:
        base = _newest(source, self.fault)
        for name, path in _files(source, base):
            cleanup.spoil(journal, path, self.change, _away(base, path))
            return name
        raise NothingToSpoilError(self.fault, "table of more than two pages in the backup")


def _lose_control_file(source: Source, journal: Journal) -> str:
    base = _newest(source, "lost-backup-file")
    path = base / "data" / "global" / "pg_control"
    cleanup.hide(journal, path, _away(base, path))
    return "global/pg_control"


def _files(source: Source, base: Path) -> Iterator[tuple[str, Path]]:
    """Yield the tables whose files are in a base backup, with their files there."""
    database = cluster.peer(cluster.of_source(source), source.database.name)
    with database.connect(cluster.SUPERUSER, budget=DIAGNOSTIC, name="restore-drill") as connection:
        rows = connection.execute(statement(sql.load("faults/files_of_table"))).fetchall()
    for name, file in rows:
        path = base / "data" / file
        if path.is_file() and path.stat().st_size > 2 * damage.PAGE_BYTES:
            yield name, path


def _newest(source: Source, fault: str) -> Path:
    bases = cluster.of_source(source).home.parent / "bases"
    folders = [path for path in bases.glob("*") if (path / "data" / "backup_label").is_file()]
    if not folders:
        raise NothingToSpoilError(fault, "base backup of the source")
    return max(folders, key=lambda path: int(path.name) if path.name.isdecimal() else 0)


def _away(base: Path, path: Path) -> Path:
    """Return a place beside a backup's data: what lies in it is copied into clones."""
    return base / f".hidden-{path.name}"


FAULTS = (
    Fault(
        "corrupt-backup",
        "flipped bits in a backup's table",
        "amcheck",
        local=True,
        base=_InTable("corrupt-backup", damage.garble),
    ),
    Fault(
        "truncated-backup",
        "a table's file in a backup, empty",
        "counts",
        local=True,
        base=_InTable("truncated-backup", damage.empty),
    ),
    Fault(
        "lost-backup-file",
        "a backup without its control file",
        "restored",
        local=True,
        base=_lose_control_file,
    ),
)
