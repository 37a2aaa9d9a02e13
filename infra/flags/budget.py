"""Whether a set of flags fits the tier's memory: every part shown, every constant sourced.

Counted is what PostgreSQL can need at once without anything unusual: its shared
memory, each allowed connection with one ``work_mem``, and every autovacuum worker at
work. PostgreSQL bounds none of that itself
(https://www.postgresql.org/docs/15/runtime-config-resource.html#RUNTIME-CONFIG-RESOURCE-MEMORY).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from infra.flags.catalogue import catalogue
from infra.flags.units import BASE_UNITS, KIB
from infra.flags.values import FlagValue

MB = KIB**2
# One sort or hash in every allowed connection. PostgreSQL's manual says that a session
# may use several at once; pgtune reckons with three (its selectWorkMem), which is shown
# as the peak and refuses nothing.
WORK_MEM_EACH = 1
WORK_MEM_PEAK = 3
# Measured on PostgreSQL 15.18, private memory of a backend (smaps_rollup): 1.1 MB fresh,
# 2.0 MB after joins over 40 tables; 11.2 MB, which the peak counts, after 200 tables,
# information_schema and 100 prepared statements. Shared memory grows by 0.05 MB a
# connection (-C shared_memory_size with 100 and 5100).
CONNECTION_MB = 2
CONNECTION_PEAK_MB = 11
# Until version 17 a vacuum collects dead rows in at most 1 GB:
# https://www.postgresql.org/docs/15/runtime-config-resource.html#GUC-AUTOVACUUM-WORK-MEM
VACUUM_MOST_MB = 1024
# Alert at 90 % and beware of less than 10 % for cache and free memory together:
# https://cloud.google.com/sql/docs/postgres/optimize-high-memory-usage
TIGHT_PERCENT = 90
FULL_PERCENT = 100
# Cloud SQL's own where the flag is unset, by GiB of memory:
# https://cloud.google.com/sql/docs/postgres/quotas#maximum_concurrent_connections
_CONNECTIONS_FROM_GB = (
    (120, 1000),
    (60, 800),
    (30, 600),
    (15, 500),
    (7.5, 400),
    (6, 200),
    (3.75, 100),
)
_FEWEST_CONNECTIONS = 50
# "about a third": https://cloud.google.com/sql/docs/postgres/flags (shared_buffers)
_SHARED_BUFFERS_SHARE = 1 / 3
# XLOGChooseNumBuffers, PostgreSQL 15, src/backend/access/transam/xlog.c: a 32nd of
# shared_buffers, one WAL segment at most.
_WAL_BUFFERS_SHARE = 1 / 32
_WAL_BUFFERS_MOST_MB = 16


class Level(StrEnum):
    """How a set of flags fits the memory."""

    FITS = "fits"
    TIGHT = "tight"
    OVER = "does not fit"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the memory.

    Attributes:
        name: The flag, or what else needs it.
        mb: MiB.
        how: How it is reckoned.
    """

    name: str
    mb: float
    how: str


@dataclass(frozen=True, slots=True)
class Budget:
    """What a set of flags needs of a tier's memory.

    Attributes:
        memory_mb: Of the tier, in MiB.
        parts: What needs it.
        peak_mb: What it were if every session were large and used ``work_mem`` three times.
        connections: How many are allowed.
        connections_fit: How many would fit with everything else as it is.
    """

    memory_mb: int
    parts: tuple[Part, ...]
    peak_mb: float
    connections: int
    connections_fit: int

    @property
    def total_mb(self) -> float:
        """All parts together, in MiB."""
        return sum(part.mb for part in self.parts)

    @property
    def percent(self) -> float:
        """All parts together, in percent of the memory."""
        return 100 * self.total_mb / self.memory_mb

    @property
    def level(self) -> Level:
        """How it fits."""
        if self.percent > FULL_PERCENT:
            return Level.OVER
        return Level.TIGHT if self.percent > TIGHT_PERCENT else Level.FITS

    @property
    def sentence(self) -> str:
        """What to say about it; two or three sentences."""
        whole = f"{size(self.total_mb)} of the tier's {size(self.memory_mb)} ({self.percent:.0f} %)"
        if self.level is Level.FITS:
            return f"The flags need {whole}."
        parts = sorted(self.parts, key=lambda part: part.mb, reverse=True)
        listed = ", ".join(f"{part.name} {size(part.mb)} ({part.how})" for part in parts[:3])
        if self.level is Level.TIGHT:
            return (
                f"The flags need {whole}, and above {TIGHT_PERCENT} % Google warns of running"
                f" out of memory. The most goes to {listed}."
            )
        return (
            f"max_connections: {self.connections} with these flags needs {whole}: {listed}."
            f" {self._remedy()}"
        )

    def _remedy(self) -> str:
        floor = catalogue()["max_connections"].minimum or 0
        if self.connections_fit >= floor:
            return (
                f"At most {self.connections_fit} connections fit with everything else as it is:"
                " allow fewer and pool them, lower work_mem, or take a larger tier."
            )
        return "Lower shared_buffers or the maintenance memory, or take a larger tier."

    def document(self) -> Mapping[str, object]:
        """Return the facts for JSON: MiB, rounded to a tenth."""
        return {
            "memory_mb": self.memory_mb,
            "parts": [
                {"name": part.name, "mb": round(part.mb, 1), "how": part.how} for part in self.parts
            ],
            "total_mb": round(self.total_mb, 1),
            "percent": round(self.percent, 1),
            "peak_mb": round(self.peak_mb, 1),
            "connections": self.connections,
            "connections_fit": self.connections_fit,
            "level": self.level,
        }


def size(mb: float) -> str:
    """Return MiB in the unit that people would say, three digits of it: 7680 -> "7.5 GB"."""
    for unit, step in (("TB", KIB**2), ("GB", KIB)):
        if mb >= step:
            return f"{mb / step:.3g} {unit}"
    return f"{mb:.0f} MB"


def default_connections(memory_mb: int) -> int:
    """Return the ``max_connections`` that Cloud SQL sets by itself."""
    memory_gb = memory_mb / KIB
    return next((n for least, n in _CONNECTIONS_FROM_GB if memory_gb >= least), _FEWEST_CONNECTIONS)


def reckon(flags: Sequence[FlagValue], memory_mb: int) -> Budget:
    """Return what compiled flags need of a tier's memory; what is unset counts by its default.

    Args:
        flags: As the API takes them.
        memory_mb: The tier's memory, in MiB.
    """
    values = {flag.name: flag.value for flag in flags}
    connections = int(values.get("max_connections") or default_connections(memory_mb))
    shared_mb, shared_how = _shared_buffers(values, memory_mb)
    work_mem_mb = _mb(values, "work_mem")
    fixed = (
        Part("shared_buffers", shared_mb, shared_how),
        _autovacuum(values),
        _wal_buffers(values, shared_mb),
    )
    work = f"{connections} x {size(work_mem_mb)}"
    parts = (
        *fixed,
        Part("work_mem", connections * work_mem_mb * WORK_MEM_EACH, work),
        Part("sessions", connections * CONNECTION_MB, f"{connections} x {CONNECTION_MB} MB"),
    )
    each_mb = work_mem_mb * WORK_MEM_EACH + CONNECTION_MB
    each_peak_mb = work_mem_mb * WORK_MEM_PEAK + CONNECTION_PEAK_MB
    left_mb = memory_mb - sum(part.mb for part in fixed)
    return Budget(
        memory_mb=memory_mb,
        parts=parts,
        peak_mb=sum(part.mb for part in fixed) + connections * each_peak_mb,
        connections=connections,
        connections_fit=max(0, int(left_mb / each_mb)),
    )


def _mb(values: Mapping[str, str], name: str) -> float:
    flag = catalogue()[name]
    return int(values.get(name, flag.default)) * BASE_UNITS[flag.unit] / MB


def _shared_buffers(values: Mapping[str, str], memory_mb: int) -> tuple[float, str]:
    if "shared_buffers" in values:
        return _mb(values, "shared_buffers"), "as set"
    return memory_mb * _SHARED_BUFFERS_SHARE, "Cloud SQL's third of memory"


def _wal_buffers(values: Mapping[str, str], shared_mb: float) -> Part:
    if int(values.get("wal_buffers", "-1")) >= 0:
        return Part("wal_buffers", _mb(values, "wal_buffers"), "as set")
    automatic = min(shared_mb * _WAL_BUFFERS_SHARE, _WAL_BUFFERS_MOST_MB)
    return Part("wal_buffers", automatic, "a 32nd of shared_buffers, 16 MB at most")


def _autovacuum(values: Mapping[str, str]) -> Part:
    if values.get("autovacuum") == "off":
        return Part("autovacuum", 0, "off")
    workers = int(values.get("autovacuum_max_workers", "3"))
    own = int(values.get("autovacuum_work_mem", "-1")) >= 0
    memory_mb = _mb(values, "autovacuum_work_mem" if own else "maintenance_work_mem")
    capped = min(memory_mb, VACUUM_MOST_MB)
    return Part("autovacuum", workers * capped, f"{workers} workers x {size(capped)}")
