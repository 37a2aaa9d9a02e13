"""tiers.list."""

from infra.local.api.call import Call
from infra.local.model import Body

_GIB = 1024**3
_DISK_QUOTA_BYTES = 64 * 1024 * _GIB
# Shared-core tiers with their memory in GiB, then usual custom ones: vCPU and MiB in the name.
_SHARED = {"db-f1-micro": 0.6, "db-g1-small": 1.7}
_CUSTOM = ((1, 3840), (2, 7680), (4, 15360), (8, 30720), (16, 61440), (32, 122880))
_REGIONS = ("asia-east1", "europe-west1", "us-central1")


def every(call: Call) -> Body:
    """Answer tiers.list."""
    del call
    memory = {tier: int(gib * _GIB) for tier, gib in _SHARED.items()}
    memory |= {f"db-custom-{cpus}-{mib}": mib * 1024**2 for cpus, mib in _CUSTOM}
    items = [
        {
            "kind": "sql#tier",
            "tier": tier,
            "RAM": str(size),
            "DiskQuota": str(_DISK_QUOTA_BYTES),
            "region": list(_REGIONS),
        }
        for tier, size in memory.items()
    ]
    return {"kind": "sql#tiersList", "items": items}
