"""Whether a set of flags fits the tier's memory, in typical use and in the worst case.

What is counted, and where each constant comes from, is in ``infra.flags.memory``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from infra.flags.catalogue import catalogue
from infra.flags.memory import (
    JIT_WORST_MB,
    MAINTENANCE,
    MAINTENANCE_WORST,
    NODES_WORST,
    PROCESS_WORST_MB,
    TEMP_SHARE,
    Demand,
    Part,
    size,
)
from infra.flags.units import KIB
from infra.flags.values import FlagValue

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
NOT_COUNTED = (
    "Not counted: SET in a session, ALTER ROLE and ALTER DATABASE ... SET (see `flags.check`).",
    f"Nor are extensions, the system, its page cache, hash tables beyond {NODES_WORST} a process.",
)


class Level(StrEnum):
    """How a set of flags fits the memory."""

    FITS = "fits"
    TYPICAL = "fits in typical use only"
    TIGHT = "tight"
    OVER = "does not fit"


@dataclass(frozen=True, slots=True)
class Budget:
    """What a set of flags needs of a tier's memory.

    Attributes:
        memory_mb: Of the tier, in MiB.
        parts: What needs it.
        assumed: The numbers behind typical use, a few words.
        assumed_worst: The numbers behind the worst case, a few words.
        connections: How many are allowed.
        connections_fit: How many would fit in typical use with everything else as it is.
    """

    memory_mb: int
    parts: tuple[Part, ...]
    assumed: str
    assumed_worst: str
    connections: int
    connections_fit: int

    @property
    def typical_mb(self) -> float:
        """All parts together in typical use, in MiB."""
        return sum(part.mb for part in self.parts)

    @property
    def worst_mb(self) -> float:
        """All parts together in the worst case, in MiB."""
        return sum(part.worst_mb for part in self.parts)

    @property
    def percent(self) -> float:
        """All parts together in typical use, in percent of the memory."""
        return 100 * self.typical_mb / self.memory_mb

    @property
    def worst_percent(self) -> float:
        """All parts together in the worst case, in percent of the memory."""
        return 100 * self.worst_mb / self.memory_mb

    @property
    def level(self) -> Level:
        """How it fits; only what has room for the worst case, too, just fits."""
        if self.percent > FULL_PERCENT:
            return Level.OVER
        if self.percent > TIGHT_PERCENT:
            return Level.TIGHT
        return Level.TYPICAL if self.worst_percent > FULL_PERCENT else Level.FITS

    @property
    def sentence(self) -> str:
        """What to say about it, with all that it assumes; three to five sentences."""
        typical, worst = f" ({self.assumed})", f" ({self.assumed_worst})"
        if self.level is Level.OVER:
            return (
                f"max_connections: {self.connections} with these flags needs"
                f" {self._share()} in typical use{typical}: {self._largest()}."
                f" {self._worst(worst)} {self._verdict()}"
            )
        sentence = f"{self._typical(typical)} {self._worst(worst)} {self._verdict()}"
        if self.level is Level.TIGHT:
            return f"{sentence} The most goes to {self._largest()}."
        return sentence

    @property
    def lines(self) -> Sequence[str]:
        """What to say below the parts, which show what is assumed; a sentence a line."""
        return (self._typical(), self._worst(), self._verdict(), *NOT_COUNTED)

    def _typical(self, assumed: str = "") -> str:
        return f"In typical use{assumed} the flags need {self._share()}."

    def _worst(self, assumed: str = "") -> str:
        more = ", more than the tier has" if self.worst_mb > self.memory_mb else ""
        return (
            f"In the worst case{assumed} they take {size(self.worst_mb)}"
            f" ({self.worst_percent:.0f} %){more}."
        )

    def _share(self) -> str:
        return (
            f"{size(self.typical_mb)} of the tier's {size(self.memory_mb)} ({self.percent:.0f} %)"
        )

    def _verdict(self) -> str:
        if self.level is Level.OVER:
            return self._remedy()
        if self.level is Level.TIGHT:
            return f"Above {TIGHT_PERCENT} % Google warns of running out of memory."
        return f"The set {self.level}."

    def _largest(self) -> str:
        parts = sorted(self.parts, key=lambda part: part.mb, reverse=True)
        return ", ".join(
            f"{part.name} {size(part.mb)} ({part.how.partition(';')[0]})" for part in parts[:3]
        )

    def _remedy(self) -> str:
        floor = catalogue()["max_connections"].minimum or 0
        if self.connections_fit >= floor:
            return (
                f"At most {self.connections_fit} connections fit with everything else as it is:"
                " allow fewer and pool them, lower work_mem, or take a larger tier."
            )
        return "Lower shared_buffers or the maintenance memory, or take a larger tier."

    def rows(self) -> Sequence[tuple[str, ...]]:
        """Return a row a part for people: its name, typical, worst case, and how."""
        return [
            (part.name, f"{part.mb:.0f} MB", f"{part.worst_mb:.0f} MB", part.how)
            for part in self.parts
        ]

    def document(self) -> Mapping[str, object]:
        """Return the facts for JSON: MiB, rounded to a tenth."""
        return {
            "memory_mb": self.memory_mb,
            "parts": [
                {
                    "name": part.name,
                    "mb": round(part.mb, 1),
                    "worst_mb": round(part.worst_mb, 1),
                    "how": part.how,
                }
                for part in self.parts
            ],
            "typical_mb": round(self.typical_mb, 1),
            "percent": round(self.percent, 1),
            "worst_mb": round(self.worst_mb, 1),
            "worst_percent": round(self.worst_percent, 1),
            "assumed": self.assumed,
            "assumed_worst": self.assumed_worst,
            "not_counted": " ".join(NOT_COUNTED),
            "connections": self.connections,
            "connections_fit": self.connections_fit,
            "level": self.level,
        }


# The columns of ``Budget.rows``.
COLUMNS = ("part", "typical", "worst case", "how")


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
    demand = Demand(values, memory_mb, connections)
    return Budget(
        memory_mb=memory_mb,
        parts=demand.parts(),
        assumed=_assumed(demand),
        assumed_worst=_assumed_worst(demand),
        connections=connections,
        connections_fit=_connections_fit(values, memory_mb),
    )


def _connections_fit(values: Mapping[str, str], memory_mb: int) -> int:
    """Return how many connections fit in typical use, which is linear in their number."""
    none_mb, one_mb = (
        sum(part.mb for part in Demand(values, memory_mb, connections).parts())
        for connections in (0, 1)
    )
    return max(0, int((memory_mb - none_mb) / (one_mb - none_mb)))


def _assumed(demand: Demand) -> str:
    return (
        f"{demand.connections} connections with one work_mem of {_amount(demand.mb('work_mem'))}"
        f" each, temp_buffers of {_amount(demand.mb('temp_buffers'))} filled in"
        f" {100 * TEMP_SHARE:g} % of them, {demand.parallel_workers} parallel workers,"
        f" {demand.number('autovacuum_max_workers')} autovacuum workers and {MAINTENANCE}"
        " maintenance command"
    )


def _assumed_worst(demand: Demand) -> str:
    return (
        f"{demand.connections} connections and {demand.number('max_worker_processes')} workers"
        f" with {NODES_WORST} hash tables of {_amount(demand.hash_table_mb)} each,"
        f" {_amount(demand.mb('temp_buffers'))} of temp_buffers a connection,"
        f" {PROCESS_WORST_MB + JIT_WORST_MB} MB of caches and JIT code a process, and"
        f" {MAINTENANCE_WORST} maintenance commands"
    )


def _amount(mb: float) -> str:
    """Return MiB as ``size`` does, and what is less than 1 MB in kB."""
    return size(mb) if mb >= 1 else f"{mb * KIB:.0f} kB"
