"""Machine tiers: their names, and what they buy."""

import re
from dataclasses import dataclass

from ops.errors import BadInputError

# https://cloud.google.com/sql/docs/postgres/create-instance#machine-types (custom machines)
VCPU_MAX = 96
MEMORY_STEP_MB = 256
MEMORY_LEAST_MB = 3840
MEMORY_PER_VCPU_LEAST_MB = 922  # 0.9 GiB, rounded up
MEMORY_PER_VCPU_MOST_MB = 6656  # 6.5 GiB

PLUS = "ENTERPRISE_PLUS"
# https://cloud.google.com/sql/docs/postgres/machine-series-overview#n2: GiB by vCPUs
OPTIMIZED = {
    2: 16,
    4: 32,
    8: 64,
    16: 128,
    32: 256,
    48: 384,
    64: 512,
    80: 640,
    96: 768,
    128: 864,
}

_OPTIMIZED = re.compile(r"db-perf-optimized-N-([1-9]\d{0,3})")
_CUSTOM = re.compile(r"db-custom-([1-9]\d{0,3})-([1-9]\d{0,6})")


@dataclass(frozen=True, slots=True)
class Tier:
    """A machine that can be had.

    Attributes:
        name: As the API calls it.
        vcpus: Virtual processors.
        memory_mb: Memory in MiB.
    """

    name: str
    vcpus: int
    memory_mb: int


class BadTierError(BadInputError):
    """The name follows no machine that Cloud SQL makes in this edition."""

    def __init__(self, name: str, remedy: str, *why: str) -> None:
        super().__init__(f"there is no tier {name}: {'; '.join(why)}. {remedy}")


def parse_tier(name: str, edition: str = "ENTERPRISE") -> Tier:
    """Return the machine that a tier's name means.

    Args:
        name: As ``db-custom-2-7680``, or ``db-perf-optimized-N-8`` on ENTERPRISE_PLUS.
        edition: The edition, which decides what machines there are.

    Raises:
        BadTierError: Cloud SQL makes no such machine; every reason is told.
    """
    return _optimized(name) if edition == PLUS else _custom(name)


def _optimized(name: str) -> Tier:
    remedy = f"{PLUS} takes db-perf-optimized-N-VCPU, as db-perf-optimized-N-2."
    match = _OPTIMIZED.fullmatch(name)
    if match is None:
        raise BadTierError(name, remedy, f"edition {PLUS} has none of that name")
    vcpus = int(match[1])
    if vcpus not in OPTIMIZED:
        sizes = ", ".join(map(str, OPTIMIZED))
        raise BadTierError(name, remedy, f"its vCPUs are one of {sizes}")
    return Tier(name, vcpus, OPTIMIZED[vcpus] * 1024)


def _custom(name: str) -> Tier:
    remedy = "Write db-custom-VCPU-MB, as db-custom-2-7680."
    if _OPTIMIZED.fullmatch(name):
        remedy = f"Set edition {PLUS}, or write db-custom-VCPU-MB, as db-custom-2-7680."
    match = _CUSTOM.fullmatch(name)
    if match is None:
        raise BadTierError(name, remedy, "its name is not db-custom-VCPU-MB")
    vcpus, memory = int(match[1]), int(match[2])
    why: list[str] = []
    if vcpus > VCPU_MAX or (vcpus != 1 and vcpus % 2):
        why.append(f"its vCPUs are 1 or an even number up to {VCPU_MAX}")
    if memory % MEMORY_STEP_MB:
        why.append(f"its memory is a multiple of {MEMORY_STEP_MB} MB")
    if memory < MEMORY_LEAST_MB:
        why.append(f"its memory is at least {MEMORY_LEAST_MB} MB")
    if not MEMORY_PER_VCPU_LEAST_MB * vcpus <= memory <= MEMORY_PER_VCPU_MOST_MB * vcpus:
        why.append("it has 0.9 to 6.5 GB of memory a vCPU")
    if why:
        raise BadTierError(name, remedy, *why)
    return Tier(name, vcpus, memory)
