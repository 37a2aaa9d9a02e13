"""Run PostgreSQL's programs as the clusters' user, and find what still runs."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra.local.engine.account import Account
from infra.local.errors import ProgramFailedError, StoppingError

_POLL_S = 0.5
_POLL_END_S = 0.02
_PROC = Path("/proc")
_FULL = "No space left on device"
# Messages are read by this program, times are UTC as in Cloud SQL.
_ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
# What this server starts in an instance's folder; a person's shell there is left alone.
_OURS = ("postgres", "initdb", "pg_", "psql", "cp", "rm")


@dataclass(frozen=True, slots=True)
class Runner:
    """Starts programs as the clusters' user.

    Attributes:
        owner: Who the programs run as.
        stopping: Set when the server stops; running programs are then ended.
    """

    owner: Account
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, args: Sequence[str | Path], *, cwd: Path, check: bool = True) -> str:
        """Run one program to its end and return its standard output.

        Args:
            args: The program and its arguments.
            cwd: A folder of the instance: whatever runs in there after this server was
                killed is known to be its.
            check: Whether an exit code other than 0 is an error.

        Raises:
            ProgramFailedError: With the program's last error line.
            StoppingError: If the server is being stopped.
        """
        if self.stopping.is_set():
            raise StoppingError
        with self._start(args, cwd) as process:
            try:
                out, err = self._wait(process)
            except StoppingError:
                # Its children too: pg_basebackup streams the WAL from a second process.
                os.killpg(process.pid, signal.SIGKILL)
                raise
        if check and process.returncode != 0:
            raise ProgramFailedError(Path(args[0]).name, last_error(err or out))
        return out

    def _start(self, args: Sequence[str | Path], cwd: Path) -> subprocess.Popen[str]:
        become = not self.owner.is_self
        return subprocess.Popen(
            [str(arg) for arg in args],
            cwd=cwd,
            env=dict(_ENVIRONMENT),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            user=self.owner.uid if become else None,
            group=self.owner.gid if become else None,
            extra_groups=[] if become else None,
        )

    @contextlib.contextmanager
    def piped(
        self,
        args: Sequence[str | Path],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL,
        stderr: IO[bytes],
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Yield one running program whose input or output is streamed; end it at the end.

        Args:
            args: The program and its arguments.
            cwd: As for ``run``.
            env: Variables beside the common ones: libpq's, a password among them.
            stdin: ``subprocess.PIPE`` to write to it.
            stdout: ``subprocess.PIPE`` to read from it.
            stderr: An open file for its messages.

        Raises:
            StoppingError: If the server is being stopped.
        """
        become = not self.owner.is_self
        process = subprocess.Popen(
            [str(arg) for arg in args],
            cwd=cwd,
            env={**_ENVIRONMENT, **env},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            user=self.owner.uid if become else None,
            group=self.owner.gid if become else None,
            extra_groups=[] if become else None,
        )

        def end() -> None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        try:
            with self.ended_at_stop(end):
                yield process
        finally:
            end()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # what was not written yet has no reader
                        pipe.close()
            process.wait()

    @contextlib.contextmanager
    def ended_at_stop(self, end: Callable[[], None]) -> Iterator[None]:
        """End something that blocks when the server stops meanwhile.

        Args:
            end: Ends it, called on another thread.

        Raises:
            StoppingError: If the server is being stopped, whatever the block raised then.
        """
        over = threading.Event()

        def watch() -> None:
            while not over.wait(_POLL_S):
                if self.stopping.is_set():
                    end()
                    return

        watcher = threading.Thread(target=watch, name="end-at-stop", daemon=True)
        watcher.start()
        try:
            yield
        except Exception:
            if self.stopping.is_set():
                raise StoppingError from None
            raise
        finally:
            over.set()
            watcher.join()
        if self.stopping.is_set():
            raise StoppingError

    def _wait(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        while True:
            try:
                return process.communicate(timeout=_POLL_S)
            except subprocess.TimeoutExpired:
                if self.stopping.is_set():
                    raise StoppingError from None

    def pause(self, seconds: float) -> None:
        """Wait, unless the server is being stopped.

        Raises:
            StoppingError: If it is.
        """
        if self.stopping.wait(seconds):
            raise StoppingError

    def give(self, path: Path) -> None:
        """Make the clusters' user the owner of one path."""
        if not self.owner.is_self:
            os.chown(path, self.owner.uid, self.owner.gid)

    def make_folder(self, path: Path) -> Path:
        """Make a folder, closed to others, that belongs to the clusters' user."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.give(path)
        return path


def last_error(text: str) -> str:
    """Return the most telling line of a program's or a cluster's messages."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # What follows from a full disk tells less than the full disk.
    lines = [line for line in lines if _FULL in line] or lines
    for mark in ("PANIC:", "FATAL:", "error:", "ERROR:"):
        for line in reversed(lines):
            if mark in line:
                return line.partition(mark)[2].strip()
    return lines[-1] if lines else "it gave no reason"


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie, dead but not yet reaped, does not."""
    try:
        state = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def works_in(pid: int, folder: Path) -> bool:
    """Return whether a process lives and has this working directory."""
    try:
        folder_of_process = (_PROC / str(pid) / "cwd").readlink()
    except OSError:
        return False
    return folder_of_process == folder.resolve() and is_alive(pid)


def running_in(folder: Path) -> tuple[int, ...]:
    """Return our programs whose working directory is this folder or below it."""
    return tuple(_running_in(folder.resolve()))


def _running_in(folder: Path) -> Iterator[int]:
    inside = f"{folder}/"
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            folder_of_process = str((entry / "cwd").readlink()).removesuffix(" (deleted)")
            name = (entry / "comm").read_text()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if (
            f"{folder_of_process}/".startswith(inside)
            and name.startswith(_OURS)
            and is_alive(int(entry.name))
        ):
            yield int(entry.name)


def end_all_in(folder: Path, *, patience_s: float = 5, limit_s: float = 15) -> None:
    """End our programs in this folder and wait until none is left.

    First as PostgreSQL's immediate shutdown does, which gives shared memory back.
    """
    start = time.monotonic()
    while pids := running_in(folder):
        waited = time.monotonic() - start
        if waited > limit_s:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT if waited < patience_s else signal.SIGKILL)
        time.sleep(0.02)


def settle_orphans(folder: Path, *, limit_s: float = 10) -> None:
    """End what a killed server's programs still do below a folder; clusters live on.

    Its pg_ctl is let go on, for a while: a start that overlaps with another would lose its
    files. All others would write into what is removed or made anew.
    """
    deadline = time.monotonic() + limit_s
    while orphans := [pid for pid in running_in(folder) if not _of_cluster(pid)]:
        starting = [pid for pid in orphans if _name(pid) == "pg_ctl"]
        for pid in set(orphans) - set(starting):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(_POLL_END_S)


def _of_cluster(pid: int) -> bool:
    """Return whether a process is a cluster's: PostgreSQL, or what it archives and fetches with."""
    if _name(pid) == "postgres":
        return True
    try:
        return ((_PROC / str(pid) / "cwd").readlink() / "PG_VERSION").exists()
    except OSError:
        return True  # ended


def _name(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
