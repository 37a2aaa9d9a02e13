"""Streaming standbys: made from their primary, waited for, counted on or not."""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

from infra.local.engine import basebackup, conf
from infra.local.engine.cluster import Cluster
from infra.local.errors import EngineError

STANDBY = "standby"  # what the standby of a highly available instance calls itself
_STREAMING_LIMIT_S = 60
_COUNTED_LIMIT_S = 10
_REPLAY_LIMIT_S = 30
_POLL_S = 0.02
_NOBODY = "synchronous_standby_names = ''\n"
_NAMED = f"synchronous_standby_names = '{STANDBY}'\n"
_COUNTED = "# PostgreSQL has read it.\n"


class StandbyLostError(EngineError):
    """A standby does not stream."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The standby {name} does not stream from its primary. Look at its log and at the "
            "free disk space."
        )


class BehindError(EngineError):
    """A replica does not catch up."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The replica {name} is more than {_REPLAY_LIMIT_S} s behind its primary. Start its "
            "replication, or ask again later."
        )


def seed(primary: Cluster, standby: Cluster) -> None:
    """Make a standby's data directory from its running primary; what was there goes.

    It counts as a standby from the moment that it has its signal file, which comes last.

    Raises:
        ProgramFailedError: If pg_basebackup fails.
    """
    standby.stop("immediate")
    shutil.rmtree(standby.data, ignore_errors=True)
    standby.runner.run(
        [
            primary.programs.path("pg_basebackup"),
            f"--host={primary.layout.socket}",
            f"--port={primary.settings.port}",
            f"--username={conf.ADMIN}",
            "--no-password",
            f"--pgdata={standby.data}",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-manifest",
            "--no-sync",
        ],
        cwd=standby.layout.root,
    )
    standby.configure()
    basebackup.sync(standby.runner, standby.layout.root)
    mark(standby)


def mark(cluster: Cluster) -> None:
    """Let a cluster begin as a standby at its next start."""
    mark_file = cluster.data / "standby.signal"
    mark_file.touch(mode=0o600)
    cluster.runner.give(mark_file)


def is_standby(cluster: Cluster) -> bool:
    """Return whether a data directory is that of a whole standby, not promoted.

    A dead postmaster's startup process would go on to promote it: it is ended first.
    """
    cluster.end_remains()
    return (cluster.data / "standby.signal").exists()


def streams(primary: Cluster, name: str) -> bool:
    """Return whether a standby of this name streams from a running primary."""
    with primary.connect() as connection:
        row = connection.execute(
            "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'",
            (name,),
        ).fetchone()
    return row is not None


def wait_streaming(
    primary: Cluster, standby: Cluster, name: str, limit_s: float = _STREAMING_LIMIT_S
) -> None:
    """Wait until a standby has caught up and streams.

    Raises:
        StandbyLostError: If it ends, or takes too long.
    """
    deadline = time.monotonic() + limit_s
    while not streams(primary, name):
        if time.monotonic() > deadline or not standby.is_running():
            raise StandbyLostError(name)
        primary.runner.pause(_POLL_S)


def wait_replayed(primary: Cluster, replica: Cluster) -> None:
    """Wait until a replica shows what its primary has committed until now.

    Raises:
        BehindError: If it doesn't in time.
    """
    with primary.connect() as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
    deadline = time.monotonic() + _REPLAY_LIMIT_S
    with replica.connect() as connection:
        question = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        while connection.execute(question, row).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise BehindError(replica.settings.name)
            replica.runner.pause(_POLL_S)


def wait_disconnected(replica: Cluster) -> None:
    """Wait until a replica that was told so receives nothing any more."""
    with replica.connect() as connection:
        while connection.execute("SELECT 1 FROM pg_stat_wal_receiver").fetchone():
            replica.runner.pause(_POLL_S)


def waits(file: Path) -> bool:
    """Return whether commits wait for the standby, or are about to."""
    return _NAMED in _text(file)


def is_synchronous(file: Path) -> bool:
    """Return whether every commit that was acknowledged is on the standby too."""
    return _COUNTED in _text(file)


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def set_synchronous(primary: Cluster, *, on: bool) -> None:
    """Let commits wait for the standby, or no longer.

    Without a connection: where commits wait for a standby that died, none would help.

    Raises:
        StandbyLostError: If PostgreSQL does not count on it.
    """
    file = primary.layout.synchronous
    _tell(primary, _NAMED if on else _NOBODY)
    if on:
        _wait_counted(primary)
        conf.write(file, _NAMED + _COUNTED)


def _tell(primary: Cluster, text: str) -> None:
    conf.write(primary.layout.synchronous, text)
    pid = primary.postmaster()
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGHUP)


def _wait_counted(primary: Cluster) -> None:
    deadline = time.monotonic() + _COUNTED_LIMIT_S
    while waits(primary.layout.synchronous):
        with primary.connect() as connection:
            row = connection.execute(
                "SELECT 1 FROM pg_stat_replication"
                " WHERE application_name = %s AND sync_state = 'sync'",
                (STANDBY,),
            ).fetchone()
        if row is not None:
            return
        if time.monotonic() > deadline:
            _tell(primary, _NOBODY)
            break
        primary.runner.pause(_POLL_S)
    raise StandbyLostError(STANDBY)
