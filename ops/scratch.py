"""A scratch PostgreSQL cluster: a real server without a port, gone after the block.

initdb and postgres refuse root, so root runs them as an unprivileged user. The
programs run in process groups of their own: Ctrl-C reaches us alone, and we end them.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.db import Database, LibpqPasswords
from ops.errors import OpsError
from ops.programs import Programs

SUPERUSER = "postgres"
PORT = 5432  # part of the socket's name; nothing listens on the network
START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
_POLL_S = 0.01
_READY = ("ready", "standby")  # the latter where a standby answers queries
# Debian's package makes the first; every system has the second.
_UNPRIVILEGED = ("postgres", "nobody")
# Nothing that it holds is worth a write to the disk.
_FIXED = {
    "listen_addresses": "",
    "port": str(PORT),
    "fsync": "off",
    "full_page_writes": "off",
    "lc_messages": "C",
    "logging_collector": "off",
    "log_destination": "stderr",
}
_NO_ROOM = ("Cannot allocate memory", "No space left on device")


class ScratchFailedError(OpsError):
    """One of PostgreSQL's programs could not make or start the cluster.

    Attributes:
        said: its own words.
    """

    def __init__(self, what: str, reason: str) -> None:
        self.said = reason
        super().__init__(f"A scratch PostgreSQL could not {what}: {reason}")

    @property
    def for_want_of_room(self) -> bool:
        """Whether this machine was too small, which says nothing about the settings."""
        return any(words in self.said for words in _NO_ROOM)


@dataclass(frozen=True, slots=True)
class Scratch:
    """A data directory that no server runs on yet.

    Attributes:
        programs: the server's programs.
        folder: what is removed in the end; the socket and the log lie here.
        user: the operating system's user that runs it; None for ourselves.
    """

    programs: Programs
    folder: Path
    user: str | None

    @property
    def data(self) -> Path:
        """Return the data directory."""
        return self.folder / "data"

    def database(self, name: str = "postgres") -> Database:
        """Return one of its databases."""
        return Database(str(self.folder), PORT, name, LibpqPasswords())

    def ask(self, name: str, settings: Mapping[str, str]) -> str:
        """Return what PostgreSQL makes of one setting, without a start (``postgres -C``).

        Raises:
            ScratchFailedError: it refuses one of the settings.
        """
        done = self._run("postgres", "-D", self.data, *_options(settings), "-C", name)
        if done.returncode:
            raise ScratchFailedError(f"read {name}", _last_words(done.stderr))
        return done.stdout.strip()

    def has_library(self, name: str) -> bool:
        """Return whether a module can be preloaded."""
        try:
            self.ask("shared_memory_size", {"shared_preload_libraries": name})
        except ScratchFailedError:
            return False
        return True

    @contextmanager
    def running(self, settings: Mapping[str, str]) -> Iterator[Database]:
        """Start a server with settings and stop it after the block.

        Raises:
            ScratchFailedError: it does not start; ``said`` has PostgreSQL's words.
        """
        own = {**_FIXED, "unix_socket_directories": str(self.folder)}
        log = self.folder / "log"
        self._configure({**own, **settings})
        with log.open("wb") as output:
            server = self._start(output.fileno(), "postgres", "-D", self.data)
        try:
            self._wait(server, log)
            yield self.database()
        finally:
            _end(server)
            self._configure({})  # the next start and the next question begin from nothing

    def initialize(self) -> None:
        """Make the data directory; raises ScratchFailedError."""
        options = ("-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        done = self._run("initdb", "-D", self.data, *options)
        if done.returncode:
            raise ScratchFailedError("be made", _last_words(done.stderr))
        self._configure({})  # PostgreSQL's defaults, not those of initdb's sample

    def _configure(self, settings: Mapping[str, str]) -> None:
        lines = [f"{name} = {_quoted(value)}\n" for name, value in settings.items()]
        (self.data / "postgresql.conf").write_text("".join(lines))

    def _wait(self, server: subprocess.Popen[bytes], log: Path) -> None:
        pid_file = self.data / "postmaster.pid"
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if server.poll() is not None:
                raise ScratchFailedError("start", _last_words(log.read_text(errors="replace")))
            with contextlib.suppress(FileNotFoundError):
                if any(word in pid_file.read_text() for word in _READY):
                    return
            time.sleep(_POLL_S)
        raise ScratchFailedError("start", f"it was not ready within {START_LIMIT_S:.0f} s.")

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        process = self._start(subprocess.PIPE, program, *arguments)
        try:
            out, err = process.communicate(timeout=START_LIMIT_S)
        except BaseException:
            _end(process)
            raise
        return subprocess.CompletedProcess(
            process.args, process.returncode, out.decode(), err.decode()
        )

    def _start(self, output: int, program: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self.programs.path(program), *arguments],
            user=self.user,
            cwd=self.folder,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE if output == subprocess.PIPE else subprocess.STDOUT,
            start_new_session=True,
        )


@contextmanager
def scratch(programs: Programs) -> Iterator[Scratch]:
    """Make an empty cluster, and remove it after the block whatever happened.

    Raises:
        ScratchFailedError: initdb fails.
    """
    user = _unprivileged() if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg-scratch-", dir="/tmp") as name:  # a short path
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        cluster = Scratch(programs, folder, user)
        cluster.initialize()
        yield cluster


def _unprivileged() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _UNPRIVILEGED if name in names)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it started; PostgreSQL's immediate shutdown, then by force."""
    for number in (signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
            break
    _end_group(process.pid)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _end_group(group: int) -> None:
    """End what initdb had started itself, which would else go on writing below our feet."""
    deadline = time.monotonic() + STOP_LIMIT_S
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(group, signal.SIGKILL)
            time.sleep(_POLL_S)


def _options(settings: Mapping[str, str]) -> Sequence[str]:
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _last_words(text: str) -> str:
    """Return PostgreSQL's reason: its FATAL line with what explains it, else the last line."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return "it ended without a word."
    for index, line in enumerate(lines):
        if "FATAL:" not in line:
            continue
        explained = lines[:index] if line.endswith("contains errors") else lines[index : index + 2]
        return " ".join(part.partition(":  ")[2] or part.strip() for part in explained)
    return lines[-1]
