"""Memory of clusters, from /proc, and of this process."""

import os
import resource
from pathlib import Path

_KIB = 1024


def pss_bytes(folder: Path) -> int:
    """Return the memory of the processes that work below a folder.

    Proportional set size: what processes share is counted once, in parts.
    """
    return sum(_pss(process) for process in _working_below(folder))


def most_bytes() -> int:
    """Return the most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


def _working_below(folder: Path) -> list[Path]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            here = str((process / "cwd").readlink())
        except OSError:  # it has ended, or is not ours to look at
            continue
        if f"{here}{os.sep}".startswith(f"{folder}{os.sep}"):
            found.append(process)
    return found


def _pss(process: Path) -> int:
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:  # as above
        return 0
    return sum(int(line.split()[1]) * _KIB for line in lines if line.startswith("Pss:"))
