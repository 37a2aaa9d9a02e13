"""Where the clusters of tests lie, and a local Cloud SQL there; gone afterwards.

In memory where there is plenty of it: on ext4 a file that is created shortly after many were
deleted, as tests do with whole clusters, costs a search for a free inode. PostgreSQL never knows.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops import localcloud
from ops.localserver import Server

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own in it, made by mkdtemp
DISK = Path("/tmp")  # noqa: S108 - as above
# Two test processes held 5 GB here at most; as much again stays free for them to run.
NEEDED_KB = 6 << 20


@contextmanager
def folder(prefix: str, below: Path | None = None) -> Iterator[Path]:
    """Yield a folder that the clusters' own user can enter, which pytest's are closed to."""
    top = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=below or parent()))
    top.chmod(0o755)
    try:
        yield top
    finally:
        if top.exists():  # who wiped the folder itself left nothing to do
            shutil.rmtree(top)


@contextmanager
def local_cloud(prefix: str, pg_port: int = localcloud.DEFAULT_PG_PORT) -> Iterator[Server]:
    """Yield a local Cloud SQL with PostgreSQL on this port, or on another that is free."""
    with folder(prefix) as top:
        data, pg_port = top / "local", localcloud.free_port(pg_port)
        try:
            yield localcloud.ensure(data, port=0, pg_port=pg_port, stand_in=True)
        finally:
            localcloud.stop(data, wipe=True)


def parent(memory: Path = _MEMORY, facts: Path = Path("/proc/meminfo")) -> Path:
    """Return the folder for folders: the one in memory if it takes all that the tests need."""
    if not memory.is_dir():
        return DISK
    lines = facts.read_text().splitlines()
    spare = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    room = shutil.disk_usage(memory).free >> 10
    return memory if room > NEEDED_KB and spare > 2 * NEEDED_KB else DISK
