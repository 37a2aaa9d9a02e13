"""The WAL archive of an instance: ship, measure, inherit."""

import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.local.engine import wal
from infra.local.engine.cluster import Cluster
from infra.local.errors import EngineError
from ops.programs import Programs

_ARCHIVED_LIMIT_S = 120
_POLL_S = 0.02
_MESSAGE_PREFIX = "local-cloud-sql"
_FINISHED = re.compile(r"desc: (?:COMMIT|ABORT) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC")
# Segments without a finished transaction are rare; looking at more costs 20 ms each.
_SEGMENTS_LOOKED_AT = 8


class ArchiveStuckError(EngineError):
    """The archiver does not deliver."""

    def __init__(self, name: str, segment: str) -> None:
        super().__init__(
            f"PostgreSQL of {name} has not archived WAL segment {segment} within "
            f"{_ARCHIVED_LIMIT_S} s. Look at its log and at the free disk space."
        )


def ship(cluster: Cluster) -> str:
    """Put everything committed so far into the archive, an idle cluster's too.

    A commit of our own is written first: recovery to a time ends FATAL unless it finds a
    commit after that time.

    Returns:
        A place in the WAL that has every earlier commit before it, as ``0/3000148``.

    Raises:
        ArchiveStuckError: If the archiver does not deliver.
    """
    with cluster.connect() as connection:
        lsn = _first_column(
            connection.execute(
                "SELECT pg_logical_emit_message(true, %s, 'ship')::text", (_MESSAGE_PREFIX,)
            ).fetchone()
        )
        name = _first_column(
            connection.execute("SELECT pg_walfile_name(pg_switch_wal() - 1)").fetchone()
        )
    _wait_archived(cluster, name)
    return lsn


def _first_column(row: tuple[object, ...] | None) -> str:
    return "" if row is None else str(row[0])


def _wait_archived(cluster: Cluster, name: str) -> None:
    archive = cluster.settings.archive
    if archive is None:
        return
    waited = 0.0
    # basic_archive renames into place when all is written and synced.
    while not (archive / name).exists():
        if waited > _ARCHIVED_LIMIT_S:
            raise ArchiveStuckError(cluster.settings.name, name)
        cluster.runner.pause(_POLL_S)
        waited += _POLL_S


def latest_recovery_time(cluster: Cluster, programs: Programs) -> datetime | None:
    """Return the latest time that the archive alone can recover; None when there is none.

    Recovery to a time wants to see a transaction that finished after it: so it is the
    microsecond before the newest transaction in the archive. Read from the WAL itself,
    in the newest segments that hold any.
    """
    archive = cluster.settings.archive
    if archive is None or not archive.exists():
        return None
    for segment in reversed(wal.segments(archive)[-_SEGMENTS_LOOKED_AT:]):
        times = finished_in(cluster, programs, archive / segment.name)
        if times:
            return max(times) - timedelta(microseconds=1)
    return None


def finished_in(cluster: Cluster, programs: Programs, segment: Path) -> tuple[datetime, ...]:
    """Return when the transactions finished whose end an archived segment holds."""
    # It ends with an error where the segment was switched before it was full.
    text = cluster.runner.run(
        [programs.path("pg_waldump"), "--rmgr=Transaction", segment],
        cwd=cluster.layout.root,
        check=False,
    )
    matches = _FINISHED.finditer(text)
    return tuple(datetime.fromisoformat(f"{match[1]}+00:00") for match in matches)


def now() -> datetime:
    """Return the time as PostgreSQL on this machine sees it."""
    return datetime.now(UTC)


def inherit(source: Path, target: Path, *, first: wal.Segment, history: str) -> None:
    """Give an archive the WAL of its ancestors, up to where its timeline branched off.

    With it, the base backup that a clone came from can recover the clone too: its
    point-in-time recovery works from its first moment, without another base backup.
    Archived files never change, so links do.

    Args:
        source: The archive that was recovered from.
        target: The new one.
        first: First segment that the base backup needs.
        history: The history file of the new timeline.
    """
    last = wal.switches(history)
    for segment in wal.segments(source):
        if first.number <= segment.number <= last.get(segment.timeline, -1):
            link(source / segment.name, target / segment.name)
    for timeline in last:
        name = f"{timeline:08X}.history"
        if (source / name).exists():
            link(source / name, target / name)


def link(source: Path, target: Path) -> None:
    """Link a file that never changes; copy it where links are refused."""
    if target.exists():
        return
    try:
        target.hardlink_to(source)
    except OSError:
        owner = source.stat()
        shutil.copy2(source, target)
        if os.geteuid() != owner.st_uid:
            os.chown(target, owner.st_uid, owner.st_gid)
