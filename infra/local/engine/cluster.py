"""One PostgreSQL cluster: make, start, stop, configure, connect."""

import contextlib
import os
import shutil
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from infra.local.engine import conf
from infra.local.engine.account import own
from infra.local.engine.layout import Layout
from infra.local.engine.process import Runner, end_all_in, last_error, works_in
from infra.local.errors import EngineError, ProgramFailedError
from ops.programs import Programs

ADMIN_DATABASE = "postgres"
# Recovery replays for as long as it takes; pg_ctl wants a number.
_START_LIMIT_S = 24 * 3600
_STOP_LIMIT_S = 120
_STATEMENT_LIMIT_MS = 60_000
_RELOAD_LIMIT_S = 20
_POLL_S = 0.02
_AGAIN_S = 0.1
_STATUS_LINE = 7  # of postmaster.pid, counted from 0 (LOCK_FILE_LINE_PM_STATUS is 8)
_READY = "ready"
_STANDBY = "standby"  # in recovery, and letting nobody in
_STOP_POLL_S = 0.005
_STOP_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_PROMOTE_AGAIN_S = 1.0
_LOG_LIMIT_BYTES = 10_000_000


class ClusterStartError(EngineError):
    """PostgreSQL refused to start."""

    code = "ERROR_RDBMS"

    def __init__(self, name: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"PostgreSQL of {name} did not start: {reason}")


class ConfigurationStaleError(EngineError):
    """PostgreSQL does not read its configuration again."""

    code = "ERROR_RDBMS"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"PostgreSQL of {name} has not read its configuration within {_RELOAD_LIMIT_S} s. "
            "Look at its log, and restart the instance."
        )


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data directory with the programs and settings it runs with.

    Attributes:
        layout: Where its files lie.
        programs: PostgreSQL's programs of its major version.
        runner: Starts them as the clusters' user.
        settings: What the server decides about it.
    """

    layout: Layout
    programs: Programs
    runner: Runner
    settings: conf.ClusterSettings

    @property
    def data(self) -> Path:
        """The data directory (PGDATA)."""
        return self.layout.data

    def initialise(self) -> None:
        """Make an empty cluster with data checksums in ``data``.

        Written without a sync of its own: who makes an instance syncs once, at its end.
        """
        self.runner.run(
            [
                self.programs.path("initdb"),
                f"--pgdata={self.data}",
                f"--username={conf.ADMIN}",
                "--data-checksums",
                "--encoding=UTF8",
                f"--locale={_locale()}",
                "--auth=reject",
                "--no-sync",
                "--no-instructions",
            ],
            cwd=self.layout.root,
        )
        self.configure()

    def configure(
        self, recovery: conf.Recovery | None = None, *, prepared_transactions: int = 0
    ) -> None:
        """Write the configuration files."""
        text = conf.render(self.settings, recovery, prepared_transactions=prepared_transactions)
        conf.write(self.data / "pg_hba.conf", conf.host_based_authentication(self.settings))
        conf.write(self.data / "pg_ident.conf", conf.identity_map((self.runner.owner, own())))
        conf.write(self.data / "postgresql.conf", text)

    def check_configuration(self) -> None:
        """Let PostgreSQL judge the settings before they are given to the running cluster.

        Raises:
            ProgramFailedError: With PostgreSQL's own words.
        """
        candidate = self.layout.root / "candidate.conf"
        conf.write(candidate, conf.render(self.settings))
        try:
            self.runner.run(
                [
                    self.programs.path("postgres"),
                    "-D",
                    self.data,
                    "-C",
                    "max_connections",
                    f"--config-file={candidate}",
                ],
                cwd=self.layout.root,
            )
        finally:
            candidate.unlink(missing_ok=True)

    def start(self) -> None:
        """Start PostgreSQL and wait until it takes connections, after any recovery.

        Raises:
            ClusterStartError: With the last FATAL line of its log.
        """
        self._clear_remains()
        self._make_socket_folder()
        self._trim_log()
        before = self.layout.log.stat().st_size if self.layout.log.exists() else 0
        try:
            self.runner.run(
                [
                    self.programs.path("pg_ctl"),
                    "start",
                    "--wait",
                    f"--timeout={_START_LIMIT_S}",
                    f"--pgdata={self.data}",
                    f"--log={self.layout.log}",
                ],
                cwd=self.layout.root,
            )
        except ProgramFailedError as error:
            # Unless a start that a killed server had begun was faster.
            if not self.is_running():
                raise ClusterStartError(
                    self.settings.name, self._log_since(before) or error.reason
                ) from error
        # pg_ctl comes back when recovery has begun; the lock file says when it is over.
        started = (_READY,) if self.settings.upstream is None else (_READY, _STANDBY)
        while self._status() not in started:
            if not self.is_running():
                raise ClusterStartError(self.settings.name, self._log_since(before))
            self.runner.pause(_POLL_S)

    def stop(self, mode: str = "fast") -> None:
        """Stop PostgreSQL if it runs.

        Args:
            mode: ``fast`` (disconnects, checkpoints) or ``immediate`` (recovers at the next start).
        """
        pid = self.postmaster()
        if pid is not None:
            # Not pg_ctl: it looks ten times a second, and a failover waits for this.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, _STOP_SIGNALS[mode])
            deadline = time.monotonic() + _STOP_LIMIT_S
            while works_in(pid, self.data) and time.monotonic() < deadline:
                time.sleep(_STOP_POLL_S)
        # It takes its lock file away when the last of its children has ended.
        if mode != "fast" or (self.data / "postmaster.pid").exists():
            end_all_in(self.data)
        shutil.rmtree(self.layout.socket, ignore_errors=True)

    def restart(self) -> None:
        """Stop fast and start.

        Raises:
            ClusterStartError: If PostgreSQL refuses to come back.
        """
        self.stop()
        self.start()

    def reload(self) -> None:
        """Let PostgreSQL read its configuration files and certificates again; wait for that.

        Raises:
            ConfigurationStaleError: If it doesn't in time.
        """
        with self.connect() as connection:
            before = _loaded(connection)
            connection.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + _RELOAD_LIMIT_S
        while True:
            # A new session knows what the postmaster has read; the old one reads for itself.
            with self.connect() as connection:
                if _loaded(connection) != before:
                    return
            if time.monotonic() > deadline:
                raise ConfigurationStaleError(self.settings.name)
            self.runner.pause(_POLL_S)

    def promote(self) -> None:
        """Promote a standby, and wait until it is a primary.

        Raises:
            ClusterStartError: If it ends instead.
        """
        before = self.layout.log.stat().st_size if self.layout.log.exists() else 0
        while not self.is_promoted():
            pid = self.postmaster()
            if pid is None:
                raise ClusterStartError(self.settings.name, self._log_since(before))
            signal_file = self.data / "promote"
            signal_file.touch(mode=0o600)
            self.runner.give(signal_file)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR1)
            self._wait_promoted(pid)
        (self.data / "promote").unlink(missing_ok=True)

    def _wait_promoted(self, pid: int) -> None:
        deadline = time.monotonic() + _PROMOTE_AGAIN_S
        while time.monotonic() < deadline and not self.is_promoted() and works_in(pid, self.data):
            self.runner.pause(_STOP_POLL_S)

    def is_promoted(self) -> bool:
        """Return whether a standby has become a primary that takes writes."""
        if (self.data / "standby.signal").exists() or self._status() != _READY:
            return False
        if self.settings.upstream is None or not self.settings.upstream.hot:
            return True  # which is ready as a primary alone
        with self.connect() as connection:
            return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)

    def postmaster(self) -> int | None:
        """Return the pid of the running postmaster, or None."""
        return postmaster_of(self.data)

    def has_configuration(self) -> bool:
        """Return whether the configuration files say what the settings do."""
        files = {
            "postgresql.conf": conf.render(self.settings),
            "pg_hba.conf": conf.host_based_authentication(self.settings),
        }
        try:
            return all((self.data / name).read_text() == text for name, text in files.items())
        except FileNotFoundError:
            return False

    def _status(self) -> str:
        """Return what the postmaster wrote into its lock file about itself."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return ""
        return lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else ""

    def is_running(self) -> bool:
        """Return whether the postmaster lives."""
        return self.postmaster() is not None

    @contextmanager
    def connect(self, database: str = ADMIN_DATABASE) -> Iterator[psycopg.Connection]:
        """Yield an autocommit connection of the administrator through the socket."""
        connection = psycopg.connect(
            host=str(self.layout.socket),
            port=self.settings.port,
            user=conf.ADMIN,
            dbname=database,
            autocommit=True,
            application_name="local-cloud-sql",
            connect_timeout=10,
            options=f"-c statement_timeout={_STATEMENT_LIMIT_MS} -c log_statement=none",
        )
        try:
            yield connection
        finally:
            connection.close()

    def end_remains(self) -> None:
        """End the children of a postmaster that was killed: they go on until they notice.

        PostgreSQL takes a zombie for a living postmaster; its children hold shared memory for
        a moment longer.
        """
        if not self.is_running() and (self.data / "postmaster.pid").exists():
            end_all_in(self.data)
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _clear_remains(self) -> None:
        """Take away all that a postmaster that was killed left."""
        if self.is_running():
            return
        self.end_remains()
        shutil.rmtree(self.layout.socket, ignore_errors=True)

    def _make_socket_folder(self) -> None:
        folder = self.layout.socket
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        owners = {os.geteuid(), self.runner.owner.uid}
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners:
            raise EngineError(
                f"{folder} belongs to another user. Remove it, or use another data folder."
            )
        self.runner.give(folder)

    def _trim_log(self) -> None:
        log = self.layout.log
        if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))

    def _log_since(self, offset: int) -> str:
        try:
            with self.layout.log.open("rb") as file:
                file.seek(offset)
                return last_error(file.read().decode(errors="replace"))
        except FileNotFoundError:
            return "it left no log"


def postmaster_of(data: Path) -> int | None:
    """Return the pid of the postmaster that runs on a data directory, or None."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return pid if works_in(pid, data) else None


def _loaded(connection: psycopg.Connection) -> object:
    row = connection.execute("SELECT pg_conf_load_time()").fetchone()
    return None if row is None else row[0]


def bring_up(cluster: Cluster, *, limit_s: float = 30) -> None:
    """Start a cluster with its settings, or wait for one that runs with them already.

    That one may be starting still, or stopping, since a killed server told it so.

    Raises:
        ClusterStartError: If PostgreSQL refuses to start.
        psycopg.OperationalError: If it doesn't answer in time.
    """
    if not cluster.has_configuration():
        cluster.stop()
        cluster.configure()
    deadline = time.monotonic() + limit_s
    while cluster.is_running():
        try:
            with cluster.connect() as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            cluster.runner.pause(_AGAIN_S)
        else:
            return
    cluster.start()


def _locale() -> str:
    """Return the locale that Cloud SQL uses where the machine has it, else C.UTF-8."""
    known = Path("/usr/lib/locale")
    if any((known / name).exists() for name in ("en_US.utf8", "en_US.UTF-8")):
        return "en_US.UTF-8"
    return "C.UTF-8"
