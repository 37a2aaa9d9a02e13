"""Physical base backups: take, verify, keep durably, hand on."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from infra.local.engine import conf, wal
from infra.local.engine.archive import now
from infra.local.engine.cluster import Cluster
from infra.local.engine.process import Runner, end_all_in


@dataclass(frozen=True, slots=True)
class BaseBackup:
    """A finished base backup.

    Attributes:
        folder: Its folder; the data directory is ``data`` below it.
        began: When it began.
        ended: When it ended: the earliest time that it can be recovered to.
    """

    folder: Path
    began: datetime
    ended: datetime


def data_of(folder: Path) -> Path:
    """Return the data directory of a base backup."""
    return folder / "data"


def first_segment(folder: Path) -> wal.Segment:
    """Return the first WAL segment that a base backup needs."""
    return wal.start_of_backup((data_of(folder) / "backup_label").read_text())


def last_segment(folder: Path) -> wal.Segment | None:
    """Return the last WAL segment that a base backup brings along; None of one half removed."""
    brought = data_of(folder) / "pg_wal"
    return max(wal.segments(brought), default=None) if brought.is_dir() else None


def take(cluster: Cluster, folder: Path) -> BaseBackup:
    """Take a base backup of a running cluster, with the WAL that it needs.

    It is checked against its manifest and synced before it counts. Whatever fails, a full
    disk for one, nothing is left of it.

    Raises:
        ProgramFailedError: If pg_basebackup or the check fails.
    """
    began = now()
    runner = cluster.runner
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    runner.give(folder.parent)
    runner.make_folder(folder)
    try:
        runner.run(
            [
                cluster.programs.path("pg_basebackup"),
                f"--host={cluster.layout.socket}",
                f"--port={cluster.settings.port}",
                f"--username={conf.ADMIN}",
                "--no-password",
                f"--pgdata={data_of(folder)}",
                "--wal-method=stream",
                "--checkpoint=fast",
                "--manifest-checksums=CRC32C",
                "--no-sync",
            ],
            cwd=folder,
        )
        ended = now()
        with ThreadPoolExecutor(max_workers=1) as beside:  # one reads while the other writes
            synced = beside.submit(sync, runner, folder)
            verify(cluster, folder)
            synced.result()
    except BaseException:
        discard(folder)
        raise
    return BaseBackup(folder, began, ended)


def verify(cluster: Cluster, folder: Path) -> None:
    """Check a base backup against its manifest.

    Raises:
        ProgramFailedError: With the first difference.
    """
    program = cluster.programs.path("pg_verifybackup")
    cluster.runner.run([program, "--quiet", "--exit-on-error", data_of(folder)], cwd=folder)


def sync(runner: Runner, folder: Path) -> None:
    """Make everything written below a folder durable, in one call for its file system."""
    runner.run(["sync", "--file-system", folder], cwd=folder)


def discard(folder: Path) -> None:
    """Remove a base backup, whole or half, with whatever still writes to it."""
    end_all_in(folder)
    shutil.rmtree(folder, ignore_errors=True)


def copy(runner: Runner, folder: Path, data: Path) -> None:
    """Copy a base backup's data directory to a place where it can be started."""
    runner.run(
        ["cp", "--archive", "--reflink=auto", data_of(folder), data],
        cwd=data.parent,
    )


def adopt(runner: Runner, folder: Path, heir: Path) -> None:
    """Give a base backup to another instance too, as links: its files never change."""
    runner.make_folder(heir.parent)
    runner.make_folder(heir)
    runner.run(["cp", "--archive", "--link", data_of(folder), data_of(heir)], cwd=heir)
