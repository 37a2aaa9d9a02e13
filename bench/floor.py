"""PostgreSQL's own programs, run bare: what nothing built on them can beat."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops import programs


@dataclass(frozen=True, slots=True)
class Bare:
    """Runs programs of one PostgreSQL major in a folder of their own.

    Attributes:
        folder: short (sockets lie in it), and open to the user that runs the programs.
        user: that user; None where we are no root and run them ourselves.
        programs: PostgreSQL's.
    """

    folder: Path
    user: str | None
    programs: programs.Programs

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run one program to its end; a failure raises CalledProcessError."""
        # a system tool (cp) is taken from PATH
        own = self.programs.bin / program
        subprocess.run(
            [own if own.exists() else program, *arguments],
            cwd=self.folder,
            user=self.user,
            env={**os.environ, "HOME": str(self.folder)},  # libpq looks for certificates there
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start(self, data: Path, *settings: str) -> None:
        """Start a cluster on its socket alone and wait until it answers."""
        options = " ".join(
            f"-c {setting}"
            for setting in (
                "listen_addresses=''",
                f"unix_socket_directories={self.folder}",
                *settings,
            )
        )
        log = f"--log={data}.log"
        self.run("pg_ctl", "start", "--wait", f"--pgdata={data}", log, f"--options={options}")

    def stop(self, data: Path) -> None:
        """Stop a cluster at once."""
        self.run("pg_ctl", "stop", "--wait", "--mode=immediate", f"--pgdata={data}")


@contextmanager
def bare() -> Iterator[Bare]:
    """Give a folder and programs for the block, and remove the folder after it."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    user = None
    if os.geteuid() == 0:
        known = {entry.pw_name for entry in pwd.getpwall()}
        user = "postgres" if "postgres" in known else "nobody"
        shutil.chown(folder, user)
    try:
        yield Bare(folder, user, programs.find(15, stand_in=True))
    finally:
        shutil.rmtree(folder)
