"""A local Cloud SQL of a benchmark's own, with all that tasks and clients need to find it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops import localcloud
from ops.localserver import Server


@dataclass(slots=True)
class Stand:
    """The running server.

    Attributes:
        server: it.
        folder: its data.
        keep: whether the data stay, to be looked at: something went wrong.
    """

    server: Server
    folder: Path
    keep: bool = False


@contextmanager
def stand(pg_port: int) -> Iterator[Stand]:
    """Start a local Cloud SQL for the block, as the default of every task; remove it after it.

    Args:
        pg_port: where to look for a free port of PostgreSQL first.
    """
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    folder.chmod(0o755)  # initdb, run as an unprivileged user, has to pass through
    os.environ["LOCAL_CLOUDSQL_DIR"] = str(folder)
    made: Stand | None = None
    try:
        port = localcloud.free_port(pg_port)
        made = Stand(localcloud.ensure(folder, port=0, pg_port=port, stand_in=True), folder)
        yield made
    finally:
        localcloud.stop(folder)
        if made is None or not made.keep:
            shutil.rmtree(folder)
