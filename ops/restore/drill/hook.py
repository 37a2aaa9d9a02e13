"""The team's own command, run against a restored copy before it is verified."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ops.checks.crew import POLL_S, Crew
from ops.db import Database
from ops.errors import OpsError
from ops.restore.copies import Made
from ops.restore.source import Source

STANDARD_ERROR = 2  # standard output is the drill's own answer


class HookFailedError(OpsError):
    """The command did not end well."""

    def __init__(self, command: str, code: int) -> None:
        super().__init__(
            f"The command of --before-verify ended with {code}: {command}. Correct it; what it "
            "printed stands above."
        )


def before_verify(crew: Crew, source: Source, copy: Made, command: str) -> None:
    """Run a shell command with libpq's variables for a copy in its environment.

    Also set: ``DRILL_COPY`` (backup or clone), ``DRILL_INSTANCE``, and on the local Cloud
    SQL ``PGDATA``. The password is in a file that only we may read. The command and what it
    started are ended when the drill is given up.

    Raises:
        HookFailedError: it ended with another code than 0.
    """
    assert copy.database is not None  # noqa: S101 - only a copy that answers is verified
    with _environment(source, copy, copy.database) as environment:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=STANDARD_ERROR,
            start_new_session=True,  # a group that can be ended without ending ourselves
        )
        code = _ended(crew, process)
    if code:
        raise HookFailedError(command, code)


def _ended(crew: Crew, process: subprocess.Popen[bytes]) -> int:
    """Return a command's exit code; one that is not waited for any more is killed."""
    try:
        while True:
            crew.check()
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=POLL_S)
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def _environment(source: Source, copy: Made, database: Database) -> Iterator[Mapping[str, str]]:
    facts = {
        "PGHOST": database.host,
        "PGPORT": str(database.port),
        "PGDATABASE": database.name,
        "PGUSER": source.owner,
        "DRILL_COPY": copy.plan.kind.value,
        "DRILL_INSTANCE": copy.plan.name,
    }
    local = source.local(copy.plan.name)
    if local is not None:
        facts["PGDATA"] = str(local.home)
    password = database.passwords.password(source.owner)
    with tempfile.TemporaryDirectory(prefix="restore-drill-") as folder:
        if password is not None:
            path = Path(folder) / "pgpass"
            fields = (database.host, str(database.port), database.name, source.owner, password)
            path.touch(mode=0o600)
            path.write_text(":".join(_escaped(field) for field in fields) + "\n")
            facts["PGPASSFILE"] = str(path)
        yield {**os.environ, **facts}


def _escaped(field: str) -> str:
    return field.replace("\\", "\\\\").replace(":", "\\:")
