"""What a proposal is made for."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from infra.settings import Settings
from ops import arguments
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


def machine(settings: Settings, connections: str) -> Machine:
    """Return a stack's machine; the pool says how many connections where nothing else does.

    Raises:
        ops.arguments.BadArgumentError: ``connections`` is no number.
    """
    instance, pool = settings.instance, settings.pool
    if connections:
        least, most = CONNECTIONS[0], CONNECTIONS[-1]
        allowed = arguments.parse_whole(
            "--connections", connections, least=least, most=most, unit="connections"
        )
        why = "as asked for"
    else:
        allowed = max(ceil(pool.max_connections / CONNECTION_USE), CONNECTIONS[0])
        why = f"the pools' {pool.max_connections} at {CONNECTION_USE:.0%} use"
    ssd = instance.disk.type != "PD_HDD"
    return Machine(instance.tier, ssd, instance.disk.size_gb, allowed, why)
