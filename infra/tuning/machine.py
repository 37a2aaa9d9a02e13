"""What a proposal is made for."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from infra.settings import Settings
from ops.errors import BadInputError
from ops.tiers import Tier

# The target "connection use < 80 %": the pools together may fill that share of the limit.
CONNECTION_USE = 0.8
CONNECTIONS = range(14, 262143 + 1)  # the range of max_connections


class Workload(StrEnum):
    """What the database is used for, in pgtune's words."""

    WEB = "web"
    OLTP = "oltp"
    DW = "dw"
    MIXED = "mixed"


class UnknownWorkloadError(BadInputError):
    """``--workload`` names nothing that there are formulas for."""

    def __init__(self, given: str) -> None:
        known = ", ".join(Workload)
        super().__init__(f"There is no workload {given!r}. Use one of: {known}.")


class BadConnectionsError(BadInputError):
    """``--connections`` is no number of connections."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"--connections is {given!r}. Give a whole number from {CONNECTIONS[0]} to"
            f" {CONNECTIONS[-1]}."
        )


@dataclass(frozen=True, slots=True)
class Machine:
    """One instance as formulas see it.

    Attributes:
        tier: Its machine.
        ssd: Whether the disk is one.
        disk_gb: The disk's size at creation.
        connections: How many to allow.
        why_connections: Where that number comes from.
    """

    tier: Tier
    ssd: bool
    disk_gb: int
    connections: int
    why_connections: str

    @property
    def memory_mb(self) -> int:
        """Memory in MiB."""
        return self.tier.memory_mb

    @property
    def vcpus(self) -> int:
        """Virtual processors."""
        return self.tier.vcpus


def parse_workload(given: str) -> Workload:
    """Return the workload of a name; raises UnknownWorkloadError."""
    try:
        return Workload(given)
    except ValueError:
        raise UnknownWorkloadError(given) from None


def machine(settings: Settings, connections: str) -> Machine:
    """Return a stack's machine; the pool says how many connections where nothing else does.

    Raises:
        BadConnectionsError: ``connections`` is no number.
    """
    instance, pool = settings.instance, settings.pool
    if connections:
        if not connections.isdecimal() or int(connections) not in CONNECTIONS:
            raise BadConnectionsError(connections)
        allowed, why = int(connections), "as asked for"
    else:
        allowed = max(ceil(pool.max_connections / CONNECTION_USE), CONNECTIONS[0])
        why = f"the pools' {pool.max_connections} at {CONNECTION_USE:.0%} use"
    ssd = instance.disk.type != "PD_HDD"
    return Machine(instance.tier, ssd, instance.disk.size_gb, allowed, why)
