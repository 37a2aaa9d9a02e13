"""What a real PostgreSQL makes of a compiled set of flags.

The set is started where this machine has the memory for it, and read back from
``pg_settings``; else each flag is asked for with ``postgres -C``, which parses and
checks the set without a start. ``cloudsql.*`` never reaches PostgreSQL, which would
take any value of them as a placeholder.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infra.flags.catalogue import SWITCHES, Flag, catalogue
from infra.flags.values import FlagValue
from ops import sql
from ops.db import AS_CONFIGURED, Database, statement
from ops.programs import Programs
from ops.scratch import SUPERUSER, Scratch, ScratchFailedError, scratch

_ALWAYS = "pg_stat_statements"  # as on Cloud SQL
# wal_buffers of -1 is overridden by what PostgreSQL chooses at its start.
_FROM_THE_SET = ("configuration file", "override")
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_MB = 1024**2


@dataclass(frozen=True, slots=True)
class Told:
    """What PostgreSQL says of one setting.

    Attributes:
        value: In its base unit, as ``pg_settings.setting``.
        unit: Its base unit; None where it was not asked (``postgres -C`` says none).
    """

    value: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What PostgreSQL says of a set.

    Attributes:
        version: The server's, as ``15.18``.
        started: Whether a server ran with the set.
        why: Why it did not; empty where it did.
        refused: PostgreSQL's words where it takes the set not at all; else empty.
        told: By name, what it says; what no server of this machine knows is missing.
        missing: Modules that own flags of the set and are not on this machine.
    """

    version: str
    started: bool
    why: str
    refused: str
    told: dict[str, Told]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prover:
    """A scratch cluster that sets of flags are proven on, one after the other."""

    cluster: Scratch

    def prove(self, flags: Sequence[FlagValue]) -> Proof:
        """Start a server with the set, or ask about each flag, and return what it says."""
        libraries = _libraries(flags)
        missing = tuple(name for name in libraries if not self.cluster.has_library(name))
        present = [name for name in libraries if name not in missing]
        known = [flag for flag in flags if _can_ask(catalogue()[flag.name], missing)]
        settings = {flag.name: flag.value for flag in known}
        settings["shared_preload_libraries"] = ", ".join(present)
        version = self.cluster.programs.version
        names = [flag.name for flag in known]
        try:
            why = self._too_large(settings)
            if not why:
                try:
                    with self.cluster.running(settings) as database:
                        return Proof(version, True, "", "", _read(database, names), missing)  # noqa: FBT003 - Proof.started
                except ScratchFailedError as error:
                    if not error.for_want_of_room:
                        raise
                    why = "this machine has no room for it"
            reports = {name: Told(self.cluster.ask(name, settings), None) for name in names}
        except ScratchFailedError as error:
            return Proof(version, False, "", error.said, {}, missing)  # noqa: FBT003 - Proof.started
        return Proof(version, False, why, "", reports, missing)  # noqa: FBT003 - Proof.started

    def _too_large(self, settings: dict[str, str]) -> str:
        """Return why the set is better not started here; empty where it can be."""
        needed_mb = int(self.cluster.ask("shared_memory_size", settings))
        free_mb = available_mb()
        if needed_mb <= free_mb:
            return ""
        return f"it would take {needed_mb} MB of shared memory and {free_mb} MB are free here"


@contextmanager
def prover(programs: Programs) -> Iterator[Prover]:
    """Make a scratch cluster, and remove it after the block; raises ScratchFailedError."""
    with scratch(programs) as cluster:
        yield Prover(cluster)


def available_mb() -> int:
    """Return the memory that is free for a server here, in MiB; a container's limit counts."""
    lines = _MEMINFO.read_text().splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        limit = int((_CGROUP / "memory.max").read_text())
        free = min(free, limit - int((_CGROUP / "memory.current").read_text()))
    return free // _MB


def _libraries(flags: Sequence[FlagValue]) -> tuple[str, ...]:
    owners = {catalogue()[flag.name].library for flag in flags}
    on = {flag.name for flag in flags if flag.value == "on"}
    switched = {module for module, switch in SWITCHES.items() if switch in on}
    return tuple(sorted({_ALWAYS} | switched | {owner for owner in owners if owner}))


def _can_ask(flag: Flag, missing: Sequence[str]) -> bool:
    return not flag.cloud_only and flag.library not in missing


def _read(database: Database, names: Sequence[str]) -> dict[str, Told]:
    with database.connect(
        SUPERUSER, budget=AS_CONFIGURED, name=f"flags {os.getpid()}"
    ) as connection:
        rows = connection.execute(statement(sql.load("flags/settings")), {"names": list(names)})
        return {
            name: Told(value, unit)
            for name, value, unit, source, pending in rows
            if source in _FROM_THE_SET and not pending
        }
