r"""Databases as SQL text: written by pg_dump, read by psql.

An imported file may come from anywhere. psql would run programs for its meta-commands
(``\!``, ``\copy ... program``, ``\o |command``), so it reads the file in its restricted mode,
which a file can't leave without a key that it does not know.
"""

import re
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from infra.local.engine.cluster import Cluster
from infra.local.engine.courier import Login
from infra.local.errors import EngineError
from ops import dumptext

_CHUNK_BYTES = 1 << 18
_TOLD_BYTES = 100_000
_TOO_OLD = b"invalid command \\restrict"
# A file of pg_dump's restricts itself; restricted already, psql would refuse that.
_RESTRICT = re.compile(rb"\\restrict ([0-9A-Za-z]+)\s*")
_EXTENSION_COMMENT = re.compile(rb"COMMENT\s+ON\s+EXTENSION\s")


class ExitStatusError(EngineError):
    """pg_dump or psql ended with an error; the sentence is Cloud SQL's own form."""

    code = "ERROR_RDBMS"

    def __init__(self, status: int, output: str) -> None:
        self.status = status
        super().__init__(
            f"exit status {status}\n\nstdout(capped at 100k bytes):\n\n\nstderr:\n{output}"
        )


class OldPsqlError(EngineError):
    """psql is too old to read a foreign file safely."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"psql {version} can't be kept from running programs that an imported file names. "
            "Install PostgreSQL 13.22, 14.19, 15.14, 16.10, 17.6 or later."
        )


@dataclass(frozen=True, slots=True)
class DumpOptions:
    """What a dump holds.

    Attributes:
        tables: pg_dump's patterns; none for every table.
        schema_only: Whether the rows are left out.
        clean: Whether it drops the objects before it makes them.
        if_exists: Whether it drops only what is there.
    """

    tables: tuple[str, ...] = ()
    schema_only: bool = False
    clean: bool = False
    if_exists: bool = False

    def arguments(self) -> Iterator[str]:
        """Return pg_dump's options."""
        switches = (("schema-only", self.schema_only), ("clean", self.clean))
        yield from (f"--{name}" for name, is_set in switches if is_set)
        if self.clean and self.if_exists:
            yield "--if-exists"
        if self.tables:
            yield "--strict-names"
            yield from (f"--table={table}" for table in self.tables)


def write(cluster: Cluster, cwd: Path, login: Login, options: DumpOptions, sink: BinaryIO) -> None:
    """Write a database as SQL that any user can import: without owners and grants.

    Args:
        cluster: Where the database is.
        cwd: A folder of the instance, for pg_dump to work in.
        login: The administrator's.
        options: What is in it.
        sink: Where it goes.

    Raises:
        ExitStatusError: With pg_dump's messages.
    """
    arguments = ("--format=plain", "--no-owner", "--no-privileges", "--no-password")
    with (
        _messages() as stderr,
        cluster.runner.piped(
            [cluster.programs.path("pg_dump"), *arguments, *options.arguments()],
            cwd=cwd,
            env=login.environment(),
            stdout=subprocess.PIPE,
            stderr=stderr,
        ) as process,
    ):
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        _without_extension_comments(process.stdout, sink)
        _check(process.wait(), stderr)


def _without_extension_comments(source: IO[bytes], sink: BinaryIO) -> None:
    """Copy a dump but for the comments on extensions, which their owner alone may write.

    They stand before the first rows, among schemas, collations, languages and functions.
    """
    for statement in dumptext.statements(iter(source.readline, b"")):
        if not _EXTENSION_COMMENT.match(statement.text):
            sink.write(statement.raw)
        if statement.copied:
            break
    while chunk := source.read(_CHUNK_BYTES):
        sink.write(chunk)


def read(cluster: Cluster, cwd: Path, login: Login, source: BinaryIO) -> None:
    """Run an SQL file, up to its first error.

    Args:
        cluster: Where the database is.
        cwd: A folder of the instance, for psql to work in.
        login: Whose powers the file has.
        source: The file.

    Raises:
        ExitStatusError: With psql's messages.
        OldPsqlError: psql has no restricted mode.
    """
    arguments = ("--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1")
    with (
        _messages() as stderr,
        cluster.runner.piped(
            [cluster.programs.path("psql"), *arguments],
            cwd=cwd,
            env=login.environment(),
            stdin=subprocess.PIPE,
            stderr=stderr,
        ) as process,
    ):
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        try:
            process.stdin.write(f"\\restrict {secrets.token_hex(32)}\n".encode())
            for chunk in _unrestricted(source):
                process.stdin.write(chunk)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended at an error, and tells which
        status = process.wait()
        if status and _TOO_OLD in _output(stderr):
            raise OldPsqlError(cluster.programs.version)
        _check(status, stderr)


def _unrestricted(source: BinaryIO) -> Iterator[bytes]:
    """Yield a file without pg_dump's own lines that restrict psql and end that."""
    key = b""
    for line in _lines(source):
        match = _RESTRICT.fullmatch(line)
        if match is not None:
            key = match[1]
            break
        yield line
        if line.strip() and not line.startswith(b"--"):
            break
    mark = b"\n\\unrestrict " + key + b"\n" if key else b""
    buffer = b"\n" if key else b""
    while chunk := source.read(_CHUNK_BYTES):
        buffer += chunk
        if mark:
            buffer = buffer.replace(mark, b"\n\n")
        yield buffer[: -len(mark)] if mark else buffer
        buffer = buffer[-len(mark) :] if mark else b""
    yield buffer


def _lines(source: IO[bytes]) -> Iterator[bytes]:
    """Yield lines, one that never ends in pieces."""
    while line := source.readline(_CHUNK_BYTES):
        yield line


def _messages() -> IO[bytes]:
    return tempfile.TemporaryFile()


def _output(stderr: IO[bytes]) -> bytes:
    stderr.seek(0)
    return stderr.read(_TOLD_BYTES)


def _check(status: int, stderr: IO[bytes]) -> None:
    if status:
        raise ExitStatusError(status, _output(stderr).decode(errors="replace").strip())
