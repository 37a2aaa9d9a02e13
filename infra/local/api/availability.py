"""High availability: instances.failover, and the fields that tell of it."""

from typing import Any

from infra.local.api.body import required
from infra.local.api.call import Call
from infra.local.api.errors import ApiError, stale
from infra.local.engine import standby
from infra.local.model import Body, Instance, OperationType
from infra.local.service import Service
from infra.local.work import new_operation

_ZONES = ("b", "c", "a")  # of a region, in the order in which they are taken


def failover(call: Call) -> Body:
    """Answer instances.failover."""
    instance = call.instance()
    if not instance.highly_available:
        raise ApiError(
            400,
            "invalidOperation",
            f"Invalid request: The instance {instance.name} is not configured for high "
            "availability: failover needs availabilityType REGIONAL.",
        )
    instance = call.ready()
    version = required(call.body, "failoverContext", "settingsVersion")
    if version != str(instance.settings["settingsVersion"]):
        raise stale()
    operation = new_operation(
        OperationType.FAILOVER, call.project, instance.name, facts={"uid": instance.uid}
    )
    call.begin(operation)
    return call.answer(call.work.start(operation))


def fields(service: Service, instance: Instance) -> Body:
    """Return an instance's fields that tell in which zone it is, and whether it can fail over."""
    first, second = _zones(instance)
    if not instance.highly_available:
        return {"gceZone": first}
    if instance.facts.get("failed_over"):
        first, second = second, first
    available = standby.is_synchronous(service.layout(instance.uid).synchronous)
    return {
        "gceZone": first,
        "secondaryGceZone": second,
        "failoverReplica": {"available": available},
    }


def _zones(instance: Instance) -> tuple[str, str]:
    preference: dict[str, Any] = instance.settings.get("locationPreference") or {}
    first = str(preference.get("zone") or f"{instance.region}-{_ZONES[0]}")
    others = (f"{instance.region}-{zone}" for zone in _ZONES)
    second = preference.get("secondaryZone") or next(zone for zone in others if zone != first)
    return first, str(second)
