"""The local Cloud SQL as a process: where it lives, whether it answers, start and stop.

The server itself is ``infra.local``, started as ``python -m infra.local`` and
spoken to over HTTP; nothing imports it.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ops.errors import BadInputError, OpsError
from ops.localserver import RefusedError, Server

DEFAULT_PORT = 8765
DEFAULT_PG_PORT = 5432
START_LIMIT_S = 30.0  # the server answers within 1-2 s; clusters to be adopted add to that
HIGHEST_PORT = 65535
PROBED_ADDRESS = "127.255.255.254"  # the last loopback address, which no instance has


class NotRunningError(OpsError):
    """Nothing answers where the local Cloud SQL should be."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            f"The local Cloud SQL of {data} is not running. Start it with `invoke local.up`."
        )


class StartFailedError(OpsError):
    """The local Cloud SQL ended, or stayed silent, while it was started."""

    def __init__(self, reason: str, log: Path) -> None:
        super().__init__(f"The local Cloud SQL did not start: {reason} Its log is {log}.")


class BadFolderError(BadInputError):
    """The data folder can't be made or written to."""

    def __init__(self, data: Path, error: OSError) -> None:
        super().__init__(
            f"The local Cloud SQL can't keep its data in {data}: {error.strerror}. Give another "
            "folder with --data or LOCAL_CLOUDSQL_DIR."
        )


class BadPortError(BadInputError):
    """An option or a variable that should hold a port does not."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name} is {text!r}. Set it to a port between 0 and 65535.")


def data_dir() -> Path:
    """Return the local Cloud SQL's folder: ``LOCAL_CLOUDSQL_DIR``, else the user's default.

    As root it lies below /var/lib, because initdb, which runs as an unprivileged
    user then, fails below a parent that only root may enter.
    """
    folder = os.environ.get("LOCAL_CLOUDSQL_DIR")
    if folder:
        return Path(folder).expanduser().resolve()
    if os.geteuid() == 0:
        return Path("/var/lib/ai-square-db/local")
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(home) / "ai-square-db/local"


def parse_port(name: str, text: str) -> int:
    """Return the port that a text means; raises BadPortError with the name of its source."""
    if not text.isdigit() or int(text) > HIGHEST_PORT:
        raise BadPortError(name, text)
    return int(text)


def port_from(name: str, default: int) -> int:
    """Return a port from the environment; raises BadPortError."""
    return parse_port(name, os.environ.get(name, "") or str(default))


def free_port(preferred: int, address: str = PROBED_ADDRESS) -> int:
    """Return a port if an address can listen on it, else one that is free now.

    Any listener on 0.0.0.0 (a container's published port, for one) blocks it for every
    127.x address; one on 127.0.0.1, as of a packaged PostgreSQL, does not.
    """
    for port in (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
            return int(probe.getsockname()[1])
    return preferred  # nothing can be bound: the server says why


def running(data: Path) -> Server | None:
    """Return the server of a folder when it answers, else None."""
    try:
        facts = json.loads((data / "server.json").read_text())
        server = Server(
            facts["url"], int(facts["pid"]), int(facts["port"]), int(facts["pg_port"]), data
        )
        if Path(server.ask("GET", "status")["data"]) == data:
            return server
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        http.client.HTTPException,
        RefusedError,
    ):
        pass
    return None


def require(data: Path) -> Server:
    """Return the server of a folder; raises NotRunningError."""
    server = running(data)
    if server is None:
        raise NotRunningError(data)
    return server


def ensure(
    data: Path,
    *,
    port: int | None = None,
    pg_port: int | None = None,
    stand_in: bool = False,
    set_aside: bool = False,
) -> Server:
    """Return the running server of a folder, started in the background where it was not.

    Args:
        data: the folder; made where it is missing.
        port: of the Admin API; else ``LOCAL_CLOUDSQL_PORT``, else 8765; 0 takes a free one.
        pg_port: of PostgreSQL; else ``LOCAL_CLOUDSQL_PG_PORT``, else 5432.
        stand_in: whether another major version may stand in for a missing one.
        set_aside: whether to move what its state does not know out of the way, where it else
            refuses to start.

    Raises:
        BadFolderError: the folder can't be made or written to.
        StartFailedError: it ended or did not answer within 30 s.
    """
    already = running(data)
    if already is not None:
        return already
    try:
        data.mkdir(parents=True, exist_ok=True)
        (data / "access-token").write_text("local\n")  # any text will do; gcloud wants a file
    except OSError as error:
        raise BadFolderError(data, error) from error
    log = data / "server.log"
    command = [sys.executable, "-m", "infra.local", "--data", str(data)]
    command += ["--port", str(_or(port, "LOCAL_CLOUDSQL_PORT", DEFAULT_PORT))]
    command += ["--pg-port", str(_or(pg_port, "LOCAL_CLOUDSQL_PG_PORT", DEFAULT_PG_PORT))]
    command += ["--stand-in"] if stand_in else []
    command += ["--set-aside"] if set_aside else []
    process: subprocess.Popen[bytes] | None = None
    try:
        with log.open("ab") as output, _uninterrupted():
            start = output.tell()
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C in the caller's terminal must not reach it
            )
        server = _answering(process, data, log, start)
    except BaseException:  # Ctrl-C too: half started it would be nobody's
        if process is not None:
            process.terminate()
            process.wait()
        raise
    process.returncode = 0  # it outlives us on purpose: no ResourceWarning
    return server


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals that have a handler wait for the end of the block, which has to be short.

    An interrupt in the midst of a program's start would leave it without anybody to end it.
    """
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    callables = {number: handler for number, handler in handlers.items() if callable(handler)}
    if threading.current_thread() is not threading.main_thread():
        callables = {}  # handlers run in the main thread
    for number in callables:
        signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in callables.items():
            signal.signal(number, handler)
    for raised in came:
        signal.raise_signal(raised)


def _answering(process: subprocess.Popen[bytes], data: Path, log: Path, start: int) -> Server:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        server = running(data)
        if server is not None:
            return server
        if process.poll() is not None:
            raise StartFailedError(_last_line(log, start), log)
        time.sleep(0.05)
    raise StartFailedError(f"it did not answer within {START_LIMIT_S:.0f} s.", log)


def _or(value: int | None, name: str, default: int) -> int:
    return port_from(name, default) if value is None else value


def _last_line(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it ended without a word."


def stop(data: Path, *, wipe: bool = False, limit_s: float = 60.0) -> bool:
    """Stop the server of a folder and its clusters; return whether one was running.

    Clusters that a killed server left are stopped too.

    Args:
        data: the folder.
        wipe: remove the folder afterwards, with every instance and backup in it.
        limit_s: how long to wait for the process to end.

    Raises:
        StopFailedError: it does not end within the limit.
        NotADataFolderError: ``wipe`` was asked for a folder that no server ever used.
    """
    if wipe:
        check_data_folder(data)
    server = running(data)
    if server is None:
        _stop_orphans(data)
    else:
        with contextlib.suppress(OSError, http.client.HTTPException):
            server.ask("POST", "shutdown", {"clusters": True})
        deadline = time.monotonic() + limit_s
        while _alive(server.pid):
            if time.monotonic() > deadline:
                raise StopFailedError(server.pid, f"it did not end within {limit_s:.0f} s.")
            time.sleep(0.05)
    if wipe and data.exists():
        shutil.rmtree(data)
    return server is not None


def check_data_folder(data: Path) -> None:
    """Refuse a folder that is there and that no server ever used; raises NotADataFolderError."""
    if data.exists() and not (data / "server.lock").exists():
        raise NotADataFolderError(data)


def _stop_orphans(data: Path) -> None:
    if not (data / "server.lock").exists():
        return
    command = [sys.executable, "-m", "infra.local", "--data", str(data), "--stop"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing."]
        raise StopFailedError(None, lines[-1])


class NotADataFolderError(BadInputError):
    """A folder that was to be wiped is none of ours."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            f"{data} is no folder of a local Cloud SQL, so it is not removed. "
            "Give the folder that `invoke local.up` used."
        )


class StopFailedError(OpsError):
    """The local Cloud SQL goes on although it was asked to stop."""

    def __init__(self, pid: int | None, reason: str) -> None:
        subject = f"The local Cloud SQL (process {pid})" if pid else "What a local Cloud SQL left"
        super().__init__(f"{subject} could not be stopped: {reason} See its server.log, ask again.")


def _alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # where we started it, nobody else collects it
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def environment(server: Server, project: str) -> dict[str, str]:
    """Return the variables with which our tasks, gcloud and the SDK reach the server."""
    token = server.data / "access-token"
    return {
        "LOCAL_CLOUDSQL_DIR": str(server.data),
        "LOCAL_CLOUDSQL_PORT": str(server.port),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_SQL": f"{server.url}/",
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
        "CLOUDSDK_CORE_PROJECT": project,
    }
