"""Start a cluster from a base backup and recover it to its target."""

import re
from dataclasses import replace

import psycopg

from infra.local.engine import conf
from infra.local.engine.cluster import Cluster, ClusterStartError
from infra.local.errors import EngineError

_POLL_S = 0.02
_LIMITS = {
    "max_connections setting": ("max_connections", 100),
    "max_worker_processes setting": ("max_worker_processes", 8),
    "max_wal_senders setting": ("max_wal_senders", 10),
    "max_prepared_xacts setting": ("max_prepared_transactions", 0),
    "max_locks_per_xact setting": ("max_locks_per_transaction", 64),
}
_CONTROL_LINE = re.compile(r"^(.+?):\s+(\S.*)$", re.MULTILINE)


class RecoveryPausedError(EngineError):
    """PostgreSQL paused recovery."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Recovery of {name} paused and can't go on: look at its log.")


def recover(cluster: Cluster, recovery: conf.Recovery) -> str:
    """Start a cluster whose data directory is a base backup; return when it is promoted.

    PostgreSQL wants at least the limits (connections, workers, locks) that the source had.
    Where the cluster's own settings are lower, or the WAL shows that the source's once
    were higher, it recovers without hot standby and is then restarted with its own.

    Returns:
        The history file of the new timeline.

    Raises:
        ClusterStartError: With PostgreSQL's FATAL line, as when the WAL ends before the target.
    """
    needed = _limits_of_source(cluster)
    own = dict(cluster.settings.flags)
    short = any(int(own.get(name, usual)) < needed[name] for name, usual in _LIMITS.values())
    full = replace(
        recovery,
        hot_standby=not short,
        prepared_transactions=needed["max_prepared_transactions"],
    )
    if not short:
        try:
            _recover(cluster, full)
        except RecoveryPausedError:
            cluster.stop("immediate")
            short = True
            full = replace(full, hot_standby=False)
            _recover(cluster, full)
    else:
        _recover(cluster, full)
    cluster.configure()
    if short:
        cluster.restart()
    else:
        cluster.reload()
    return history(cluster)


def _recover(cluster: Cluster, recovery: conf.Recovery) -> None:
    (cluster.data / "backup_manifest").unlink(missing_ok=True)
    cluster.configure(recovery)
    signal = cluster.data / "recovery.signal"
    if not signal.exists():
        signal.touch(mode=0o600)
        cluster.runner.give(signal)
    cluster.start()
    wait_promoted(cluster)


def wait_promoted(cluster: Cluster) -> None:
    """Wait until recovery is over; that pg_ctl came back says nothing about it.

    Raises:
        ClusterStartError: If PostgreSQL ended.
        RecoveryPausedError: If it waits for somebody.
    """
    while True:
        try:
            if not _in_recovery(cluster):
                return
        except psycopg.OperationalError as error:
            if not cluster.is_running():
                raise ClusterStartError(cluster.settings.name, cluster.last_words()) from error
        cluster.runner.pause(_POLL_S)


def _in_recovery(cluster: Cluster) -> bool:
    with cluster.connect() as connection:
        while True:
            row = connection.execute(
                "SELECT r, CASE WHEN r THEN pg_get_wal_replay_pause_state() END"
                " FROM pg_is_in_recovery() r"
            ).fetchone()
            if row is None or not row[0]:
                return False
            if row[1] == "paused":
                raise RecoveryPausedError(cluster.settings.name)
            cluster.runner.pause(_POLL_S)


def history(cluster: Cluster) -> str:
    """Return the history file of the timeline that a promoted cluster is on."""
    with cluster.connect() as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone()
    timeline = "" if row is None else str(row[0])[:8]
    return (cluster.data / "pg_wal" / f"{timeline}.history").read_text()


def _limits_of_source(cluster: Cluster) -> dict[str, int]:
    """Return the limits that the source ran with, as its control file has them."""
    text = cluster.runner.run(
        [cluster.programs.path("pg_controldata"), cluster.data], cwd=cluster.layout.root
    )
    found = {line[1]: line[2] for line in _CONTROL_LINE.finditer(text)}
    return {name: int(found.get(label, usual)) for label, (name, usual) in _LIMITS.items()}
