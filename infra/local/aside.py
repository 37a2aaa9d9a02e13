"""Move out of the way what the state does not know, so that nothing has to be removed."""

import logging
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

from infra.local.engine.cluster import postmaster_of
from infra.local.engine.layout import SIDES
from infra.local.engine.process import end_all_in
from infra.local.inspection import STATE, Finding

_FOLDER = "aside"
_STATE_FILES = (STATE, f"{STATE}-wal", f"{STATE}-shm", "state.spare.sqlite", "state.mark")
_SHUTDOWN_LIMIT_S = 30
_POLL_S = 0.05
_log = logging.getLogger(__name__)


def set_aside(data: Path, finding: Finding) -> Path:
    """Stop what runs in the folders that the state does not know, and move them.

    Where the state can't be gone on with, its files are moved too, last: until then the next
    start finds the same.

    Returns:
        The folder that they are in now, with their paths below the data folder.
    """
    target = data / _FOLDER / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    for folder in finding.unknown:
        stop_clusters_in(folder)
    moved = list(finding.unknown)
    if not finding.readable:
        moved += [data / name for name in _STATE_FILES if (data / name).exists()]
    for path in moved:
        place = target / path.relative_to(data)
        place.parent.mkdir(mode=data.stat().st_mode & 0o777, parents=True, exist_ok=True)
        path.rename(place)
    _log.warning("Set aside in %s: %s", target, ", ".join(str(path) for path in moved) or "nothing")
    return target


def stop_clusters_in(home: Path) -> None:
    """Stop the clusters of an instance's folder without their configuration: fast, then at once."""
    pids = {side: pid for side in SIDES if (pid := postmaster_of(home / side)) is not None}
    for pid in pids.values():
        os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + _SHUTDOWN_LIMIT_S
    while any(postmaster_of(home / side) for side in pids) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    end_all_in(home)
