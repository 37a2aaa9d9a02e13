"""A small file system for the local Cloud SQL's data, so that a full disk can be rehearsed.

It lives in memory: what is on it is gone with the machine's next start.
"""

import os
import subprocess
from pathlib import Path

from ops import arguments
from ops.errors import OpsError

LEAST_MB = 150  # the server, one instance and a base backup of it


class CannotMountError(OpsError):
    """A small file system can't be mounted."""

    def __init__(self, data: Path, reason: str) -> None:
        super().__init__(
            f"A small file system can't be mounted on {data}: {reason.rstrip('.')}. Leave out "
            "--disk-mb, or run this as root on a machine that allows mounts."
        )


class InUseError(OpsError):
    """The small file system can't be taken away."""

    def __init__(self, data: Path, reason: str) -> None:
        super().__init__(f"The file system on {data} stays: {reason}. Leave it, and ask again.")


def mount(data: Path, size: str) -> None:
    """Mount a file system of some megabytes on a data folder, unless one is there.

    Args:
        data: the data folder; made where it is missing.
        size: the megabytes, as typed.

    Raises:
        ops.arguments.BadArgumentError: it is no such number.
        CannotMountError: the folder has content, or mounting is refused.
    """
    arguments.parse_whole("--disk-mb", size, least=LEAST_MB, unit="MB")
    if data.is_mount():
        return
    if os.geteuid() != 0:
        raise CannotMountError(data, "only root may")
    if data.exists() and any(data.iterdir()):
        raise CannotMountError(data, "it has content, which would be hidden")
    data.mkdir(parents=True, exist_ok=True)
    # Another user's clusters must get through to their folders, but see no others.
    options = f"size={size}m,mode=711"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "ai-square-db", data],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CannotMountError(data, done.stderr.strip())


def unmount(data: Path) -> bool:
    """Take a file system off a data folder, with all that is on it; return whether one was.

    Raises:
        InUseError: Something still works on it.
    """
    if not data.is_mount():
        return False
    done = subprocess.run(["umount", data], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InUseError(data, done.stderr.strip())
    data.rmdir()
    return True
