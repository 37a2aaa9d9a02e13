"""A drill's source that no cloud stands behind."""

from datetime import timedelta
from pathlib import Path

from ops.cloudsql import CloudSql
from ops.db import Database, LibpqPasswords
from ops.restore.source import Source
from ops.store import FolderStore


def drilled(folder: Path, cloud: CloudSql | None = None) -> Source:
    """Return a source whose records lie in a folder; its cloud is one that nobody answers for."""
    return Source(
        stack="local",
        instance="db",
        cloud=cloud or CloudSql("project", "http://127.0.0.1:1"),
        database=Database("127.0.0.1", 1, "d", LibpqPasswords()),
        owner="o",
        app="a",
        store=FolderStore(folder),
        server=None,
        rto_target_s=1,
        rpo_target_s=1,
        lease=timedelta(minutes=1),
    )
