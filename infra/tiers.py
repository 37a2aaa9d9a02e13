"""Machine tiers: the grammar of ``db-custom-VCPU-MB`` and what it buys."""

import re
from dataclasses import dataclass

from ops.errors import BadInputError

# https://cloud.google.com/sql/docs/postgres/create-instance#machine-types (custom machines)
VCPU_MAX = 96
MEMORY_STEP_MB = 256
MEMORY_LEAST_MB = 3840
MEMORY_PER_VCPU_LEAST_MB = 922  # 0.9 GiB, rounded up
MEMORY_PER_VCPU_MOST_MB = 6656  # 6.5 GiB

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
    """The name follows no machine that Cloud SQL makes."""

    def __init__(self, name: str, *why: str) -> None:
        super().__init__(
            f"there is no tier {name}: {'; '.join(why)}."
            " Write db-custom-VCPU-MB, as db-custom-2-7680."
        )


def parse_tier(name: str) -> Tier:
    """Return the machine that a tier's name means.

    Raises:
        BadTierError: Cloud SQL makes no such machine; every reason is told.
    """
    match = _CUSTOM.fullmatch(name)
    if match is None:
        raise BadTierError(name, "its name is not db-custom-VCPU-MB")
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
        raise BadTierError(name, *why)
    return Tier(name, vcpus, memory)
