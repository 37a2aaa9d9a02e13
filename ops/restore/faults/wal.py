"""Gaps in the WAL: in the source's archive, and silent ones.

Recovery to a time ends FATAL at a gap before it: the clone fails, and the drill says so.
Recovery to the newest time does not: whatever is missing, corrupt or not of this place ends
the log there, PostgreSQL starts, and what was committed later is gone without a word. The
silent faults show that: they recover the clone anew, from its own base backup and a spoiled
copy of the archive, without a target.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops import sql
from ops.checks.crew import Crew
from ops.db import CHANGE, statement
from ops.errors import OpsError
from ops.journal import Journal
from ops.localserver import LocalInstance
from ops.restore import cleanup
from ops.restore.copies import Made
from ops.restore.faults import cluster, damage
from ops.restore.faults.fault import Fault, NothingToSpoilError
from ops.restore.source import Source

ARCHIVE_LIMIT_S = 30.0  # a switched segment is archived within a second
_POLL_S = 0.05
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_CONFIGURATION = ("postgresql.conf", "pg_hba.conf", "pg_ident.conf")

# Changes a segment's file, given the segment before it; None takes it away.
Spoil = Callable[[Path, Path], None]


class NotArchivedError(OpsError):
    """The source's archive does not get its WAL."""

    def __init__(self, segment: str) -> None:
        super().__init__(
            f"WAL segment {segment} was not archived within {ARCHIVE_LIMIT_S:.0f} s. "
            "Look at the source's log: its archive may be full."
        )


def _segments(archive: Path, timeline: str = "") -> Sequence[Path]:
    paths = (path for path in archive.iterdir() if _SEGMENT.fullmatch(path.name))
    return sorted(path for path in paths if path.name.startswith(timeline))


def archived(source: Source) -> Path:
    """End the source's current segment, with a commit in it; return it from the archive.

    Raises:
        NotArchivedError: it does not come within half a minute.
        NothingToSpoilError: the source is not on this machine.
    """
    local = cluster.of_source(source)
    database = cluster.peer(local, source.database.name)
    with database.connect(cluster.SUPERUSER, budget=CHANGE, name="restore-drill") as connection:
        connection.execute(statement(sql.load("faults/wal_message")))
        row = connection.execute(statement(sql.load("faults/wal_switch"))).fetchone()
    segment = local.archive / str(row[0] if row else "")
    deadline = time.monotonic() + ARCHIVE_LIMIT_S
    while not segment.is_file():
        if time.monotonic() > deadline:
            raise NotArchivedError(segment.name)
        time.sleep(_POLL_S)
    return segment


@dataclass(frozen=True, slots=True)
class _InArchive:
    """Spoils a segment of the source's archive; the journal tells how to put it back."""

    change: Spoil | None

    def __call__(self, source: Source, journal: Journal) -> str:
        change, before = self.change, archived(source)
        segment = archived(source)
        if change is None:
            cleanup.hide(journal, segment)
        else:
            cleanup.spoil(journal, segment, lambda path: change(path, before))
        return segment.name


@dataclass(frozen=True, slots=True)
class _Silent:
    """Recovers a clone anew, without a target, over a segment that is spoiled."""

    fault: str
    change: Spoil | None

    def __call__(self, crew: Crew, source: Source, copy: Made) -> str:
        crew.check()
        with cluster.stopped(source, copy) as local:
            base = _base_of(local, self.fault)
            label = (base / "backup_label").read_text()
            inherited = _segments(local.archive, _timeline(label))
            if len(inherited) < 2:  # noqa: PLR2004 - the marker's, and one before it
                raise NothingToSpoilError(self.fault, "segment between backup and marker")
            archive = self._spoiled(local, inherited)
            _start_over(local, base, archive)
        return inherited[-1].name

    def _spoiled(self, local: LocalInstance, inherited: Sequence[Path]) -> Path:
        """Return a copy of an archive whose last segment, the marker's, is spoiled."""
        archive = local.home.with_name("spoiled-archive")
        archive.mkdir()
        _give(archive, local)
        *_, before, victim = inherited
        for path in inherited[:-1]:
            (archive / path.name).hardlink_to(path)
        if self.change is not None:
            spoiled = archive / victim.name
            shutil.copy2(victim, spoiled)
            self.change(spoiled, before)
            _give(spoiled, local)
        return archive


def _timeline(label: str) -> str:
    match = re.search(r"\(file ([0-9A-F]{8})", label)
    return match[1] if match else ""


def _base_of(local: LocalInstance, fault: str) -> Path:
    """Return the base backup that a clone came from: it takes that along."""
    bases = [path / "data" for path in (local.home.parent / "bases").glob("*")]
    usable = [path for path in bases if (path / "backup_label").is_file()]
    if not usable:
        raise NothingToSpoilError(fault, "base backup of the copy")
    return max(usable)


def _start_over(local: LocalInstance, base: Path, archive: Path) -> None:
    """Put a base backup in the place of a stopped cluster, to be recovered as far as it goes."""
    files = {name: (local.home / name).read_bytes() for name in _CONFIGURATION}
    shutil.rmtree(local.home)
    subprocess.run(["cp", "--archive", base, local.home], check=True)
    (local.home / "backup_manifest").unlink(missing_ok=True)
    for name, content in files.items():
        (local.home / name).write_bytes(content)
    fetch = f'cp "{str(archive).replace("%", "%%")}/%f" "%p"'
    with (local.home / "postgresql.auto.conf").open("a") as file:
        file.write(f"restore_command = '{fetch}'\nrecovery_target_timeline = 'current'\n")
    signal = local.home / "recovery.signal"
    signal.touch(mode=0o600)
    _give(signal, local)
    for path in local.archive.iterdir():  # of the clone's first life
        path.unlink()


def _give(path: Path, local: LocalInstance) -> None:
    owner = local.home.stat() if local.home.exists() else local.archive.stat()
    os.chown(path, owner.st_uid, owner.st_gid)


def _garble(path: Path, _before: Path) -> None:
    damage.garble(path)


def _zero(path: Path, _before: Path) -> None:
    damage.zero_segment(path)


def _halve(path: Path, _before: Path) -> None:
    damage.halve(path)


def _replace(path: Path, before: Path) -> None:
    damage.become(before)(path)


def _archive(name: str, what: str, change: Spoil | None) -> Fault:
    return Fault(name, what, "restored", local=True, archive=_InArchive(change))


def _silent(name: str, what: str, change: Spoil | None) -> Fault:
    return Fault(name, what, "heartbeat", local=True, copy=_Silent(name, change))


FAULTS = (
    _archive("missing-wal", "a segment of the archive, gone", None),
    _archive("corrupt-wal", "flipped bits in a segment", _garble),
    _archive("zeroed-wal", "a segment of zeros", _zero),
    _archive("truncated-wal", "half a segment", _halve),
    _archive("replaced-wal", "a segment with an older one's content", _replace),
    _silent("silent-missing-wal", "a gap, recovered over in silence", None),
    _silent("silent-corrupt-wal", "flipped bits, the same way", _garble),
    _silent("silent-zeroed-wal", "zeros, the same way", _zero),
    _silent("silent-replaced-wal", "older content, the same way", _replace),
)
