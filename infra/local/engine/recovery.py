"""Start a cluster from a base backup and recover it to its target."""

import re

from infra.local.engine import conf
from infra.local.engine.cluster import Cluster, ClusterStartError

_PREPARED = re.compile(r"^max_prepared_xacts setting:\s+(\d+)$", re.MULTILINE)


def recover(cluster: Cluster, recovery: conf.Recovery) -> str:
    """Recover a cluster whose data directory is a base backup; return when it is promoted.

    Nobody is let in before: it recovers without hot standby, which also makes PostgreSQL
    ask for none of the source's limits but the prepared transactions. Then it is restarted
    with its own settings, so that nothing of the recovery is left in them.

    Returns:
        The history file of the new timeline.

    Raises:
        ClusterStartError: With PostgreSQL's FATAL line, as when the WAL ends before the target.
    """
    (cluster.data / "backup_manifest").unlink(missing_ok=True)
    cluster.configure(recovery, prepared_transactions=_prepared_of_source(cluster))
    signal = cluster.data / "recovery.signal"
    if not signal.exists():
        signal.touch(mode=0o600)
        cluster.runner.give(signal)
    cluster.start()
    cluster.configure()
    cluster.restart()
    return history(cluster)


def history(cluster: Cluster) -> str:
    """Return the history file of the timeline that a promoted cluster is on.

    Raises:
        ClusterStartError: If it is not promoted: pg_ctl says nothing about that.
    """
    with cluster.connect() as connection:
        row = connection.execute(
            "SELECT CASE WHEN NOT pg_is_in_recovery()"
            " THEN pg_walfile_name(pg_current_wal_lsn()) END"
        ).fetchone()
    if row is None or row[0] is None:
        raise ClusterStartError(cluster.settings.name, "it is still in recovery")
    return (cluster.data / "pg_wal" / f"{str(row[0])[:8]}.history").read_text()


def _prepared_of_source(cluster: Cluster) -> int:
    """Return how many prepared transactions the source could hold, from its control file."""
    text = cluster.runner.run(
        [cluster.programs.path("pg_controldata"), cluster.data], cwd=cluster.layout.root
    )
    match = _PREPARED.search(text)
    return int(match[1]) if match else 0
