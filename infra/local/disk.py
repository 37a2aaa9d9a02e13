"""The size of an instance's disk: it only grows, by itself where it is to.

Cloud SQL looks every 30 seconds. The threshold, and what is added when less than it is
free, is 5 GB and a 25th of the size, 25 GB at most.
"""

import os
from pathlib import Path
from typing import Any

from infra.local.model import Body, Instance, InstanceState

LOOK_EVERY_S = 30
GIB = 1024**3
MIN_GB, MAX_GB = 10, 65536
_STEP_GB, _STEP_PART, _STEP_LIMIT_GB = 5, 25, 25


def size_gb(settings: Body) -> int:
    """Return the size that an instance's settings give its disk."""
    return int(settings.get("dataDiskSizeGb") or MIN_GB)


def can_grow(instance: Instance) -> bool:
    """Return whether an instance's disk is to grow by itself, and can just now."""
    return bool(
        instance.settings.get("storageAutoResize")
        and instance.state is InstanceState.RUNNABLE
        and not instance.stopped
    )


def grown_gb(settings: Body, used_bytes: int) -> int | None:
    """Return the size that a disk grows to, or None where it has room or reached its limit."""
    size = size_gb(settings)
    step = min(_STEP_GB + size // _STEP_PART, _STEP_LIMIT_GB)
    if size * GIB - used_bytes >= step * GIB:
        return None
    limit = int(settings.get("storageAutoResizeLimit") or 0) or MAX_GB
    grown = min(size + step, limit, MAX_GB)
    return grown if grown > size else None


def resized(settings: Body, size: int) -> dict[str, Any]:
    """Return settings with a disk of another size, as a new version."""
    version = int(settings["settingsVersion"]) + 1
    return {**settings, "dataDiskSizeGb": str(size), "settingsVersion": str(version)}


def used_bytes(folder: Path) -> int:
    """Return how much the files below a folder hold; those that go meanwhile hold nothing."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    total += used_bytes(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    total += _size(entry)
    except FileNotFoundError:
        return total
    return total


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0
