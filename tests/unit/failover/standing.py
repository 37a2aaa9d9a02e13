"""A source that no cloud stands behind, and an instance that is ready to fail over."""

from datetime import timedelta
from pathlib import Path

from infra.settings import Pool
from ops.cloudsql import CloudSql
from ops.db import Database, LibpqPasswords
from ops.failover.source import Source
from ops.failover.standing import Standing
from ops.store import FolderStore

STANDS = Standing(
    state="RUNNABLE",
    policy="ALWAYS",
    availability="REGIONAL",
    zone="zone-b",
    secondary_zone="zone-c",
    standby=True,
    settings_version=7,
    replicas=("db-r",),
)


def source(folder: Path, cloud: CloudSql | None = None) -> Source:
    """Return a source whose records lie in a folder."""
    return Source(
        stack="local",
        instance="db",
        cloud=cloud or CloudSql("project", "http://127.0.0.1:1"),
        store=FolderStore(folder),
        lease=timedelta(minutes=1),
        database=Database("127.0.0.1", 1, "d", LibpqPasswords()),
        app="app",
        owner="o",
        replicas=(),
        pool=Pool(max_connections=100, size=20, idle_timeout_s=600, lifetime_s=3600),
        gap_target_s=60,
        reconnect_target_s=120,
    )
