"""tiers.list, and which tier an edition takes."""

import re
from collections.abc import Iterator

from infra.local.api.call import Call
from infra.local.api.errors import ApiError, invalid
from infra.local.api.places import REGIONS
from infra.local.model import Body

_MIB = 1024**2
_GIB = 1024**3
# Largest disks: 3 TiB with a shared core, 64 TiB otherwise.
_SMALL_DISK_BYTES = 3 * 1024 * _GIB
_LARGE_DISK_BYTES = 64 * 1024 * _GIB
# Memory in MiB of the tiers with a shared core.
_SHARED = {"db-f1-micro": 614, "db-g1-small": 1740}
# Custom tiers that the page on machine types shows: vCPUs and memory in MiB.
_CUSTOM = ((1, 3840), (2, 7680), (2, 13312), (4, 15360), (4, 26624), (8, 30720), (8, 53248),
           (16, 61440), (16, 106496), (32, 122880), (64, 245760), (96, 368640))  # fmt: skip
# vCPUs of Enterprise Plus tiers, which have 8 GiB for each.
_OPTIMIZED = {
    "db-perf-optimized-N": (2, 4, 8, 16, 32, 48, 64, 80, 96, 128),
    "db-c4a-highmem": (1, 2, 4, 8, 16, 32, 48, 64, 72),
}
_OPTIMIZED_MIB = 8192
_CUSTOM_NAME = re.compile(r"db-custom-([0-9]{1,3})-([0-9]{1,6})")
_MEMORY_STEP_MIB = 256
_MEMORY_LEAST_MIB = 3840
_CPUS_MOST = 96
_MIB_PER_CPU = (0.9 * 1024, 6.5 * 1024)
_LEARN = "Learn more at https://cloud.google.com/sql/docs/postgres/create-instance#machine-types."


def list_all(call: Call) -> Body:
    """Answer tiers.list."""
    del call
    items = [
        {
            "kind": "sql#tier",
            "tier": tier,
            "RAM": str(memory * _MIB),
            "DiskQuota": str(_SMALL_DISK_BYTES if tier in _SHARED else _LARGE_DISK_BYTES),
            "region": list(REGIONS),
        }
        for tier, memory in _known()
    ]
    return {"kind": "sql#tiersList", "items": items}


def _known() -> Iterator[tuple[str, int]]:
    yield from _SHARED.items()
    yield from ((f"db-custom-{cpus}-{memory}", memory) for cpus, memory in _CUSTOM)
    yield from _optimized().items()


def _optimized() -> dict[str, int]:
    return {
        f"{family}-{cpus}": cpus * _OPTIMIZED_MIB
        for family, sizes in _OPTIMIZED.items()
        for cpus in sizes
    }


def memory_mb(tier: str) -> int | None:
    """Return a tier's memory in MiB; None for one that is not known."""
    if match := _CUSTOM_NAME.fullmatch(tier):
        return int(match[2])
    return _SHARED.get(tier) or _optimized().get(tier)


def check(tier: str, edition: str) -> None:
    """Check that an edition has a tier.

    Raises:
        ApiError: 400 naming both, or saying what is wrong with a custom tier.
    """
    if edition == "ENTERPRISE_PLUS":
        if tier not in _optimized():
            raise _refused(tier, edition, "predefined Tier like db-perf-optimized-N-*")
        return
    match = _CUSTOM_NAME.fullmatch(tier)
    if match is None:
        if tier not in _SHARED:
            raise _refused(tier, edition, "custom Tier like db-custom-*")
        return
    cpus, memory = int(match[1]), int(match[2])
    if cpus > _CPUS_MOST or cpus < 1 or (cpus > 1 and cpus % 2):
        raise invalid(f"Invalid Tier ({tier}): vCPUs are 1, or an even number up to {_CPUS_MOST}.")
    least, most = (int(cpus * share) for share in _MIB_PER_CPU)
    least = max(least, _MEMORY_LEAST_MIB)
    if memory % _MEMORY_STEP_MIB or not least <= memory <= most:
        raise invalid(
            f"Invalid Tier ({tier}): memory for {cpus} vCPUs is {least} to {most} MB, in steps of "
            f"{_MEMORY_STEP_MIB} MB."
        )


def _refused(tier: str, edition: str, instead: str) -> ApiError:
    return invalid(
        f"Invalid Tier ({tier:.60}) for ({edition}) Edition. Use a {instead} instead. {_LEARN}"
    )
