"""What the providers do with a change where it depends on the values.

One function for each conditional row of the table that a value can decide; the rows'
conditions are its specification. A row without one stays undecided.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network

from infra.effects.leaves import Leaves, has
from infra.standins import INSTANCE, UNKNOWN_UNTIL_DEPLOYED

BUCKET = "gcp:storage/bucket:Bucket"
PASSWORD = "random:index/randomPassword:RandomPassword"  # noqa: S105 - a resource's type
SUBNET = "gcp:compute/subnetwork:Subnetwork"
FORWARDING_RULE = "gcp:compute/forwardingRule:ForwardingRule"
RECORD_SET = "gcp:dns/recordSet:RecordSet"
METRIC = "gcp:logging/metric:Metric"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
ATTACHMENT = "/serviceAttachments/"


class Outcome(StrEnum):
    """What a condition comes to."""

    REPLACES = "replaces"
    IN_PLACE = "in place"
    DROPPED = "dropped"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Values:
    """A property on both sides of a change, and all that is beside it.

    Attributes:
        path: Of the property, with list indexes.
        before: All leaves as they were, with the provider's defaults.
        after: All leaves as they are to be.
    """

    path: str
    before: Leaves
    after: Leaves

    @property
    def old(self) -> str:
        """The value that was; empty for none."""
        return self.before.get(self.path, "")

    @property
    def new(self) -> str:
        """The value to come; empty for none."""
        return self.after.get(self.path, "")

    @property
    def unknown(self) -> bool:
        """Whether only a deployment can tell one of the values."""
        return UNKNOWN_UNTIL_DEPLOYED in {self.old, self.new}


Condition = Callable[[Values], Outcome]


def _replaced_where(holds: bool) -> Outcome:  # noqa: FBT001 - the condition itself
    return Outcome.REPLACES if holds else Outcome.IN_PLACE


def _fields_decide(_: Values) -> Outcome:
    """A block that comes or goes: the fields that force it have rows of their own."""
    return Outcome.IN_PLACE


def _range(values: Values) -> Outcome:
    try:
        old, new = ip_network(values.old), ip_network(values.new)
    except ValueError:
        return Outcome.UNDECIDED
    if old.version != new.version:
        return Outcome.REPLACES
    return _replaced_where(not old.subnet_of(new))  # type: ignore[arg-type]  # of one version


def _disk_size(values: Values) -> Outcome:
    try:
        smaller = float(values.new) < float(values.old)
    except ValueError:
        return Outcome.UNDECIDED
    if not smaller:
        return Outcome.IN_PLACE
    grows = values.after.get("settings.diskAutoresize", "true")
    return Outcome.DROPPED if grows == "true" else Outcome.REPLACES


def _private_network(values: Values) -> Outcome:
    return _replaced_where(bool(values.old) and not values.new)


def _auto_upgrade(values: Values) -> Outcome:
    return _replaced_where(values.old == "true" and values.new != "true")


def _source(values: Values) -> Outcome:
    kinds = [side.get("instanceType") for side in (values.before, values.after)]
    promoted = kinds == ["READ_REPLICA_INSTANCE", "CLOUD_SQL_INSTANCE"] and not values.new
    return _replaced_where(not promoted)


def _always(_: Values) -> Outcome:
    """A switchover, which alone would be in place, is nothing that a declaration shows."""
    return Outcome.REPLACES


def _target(values: Values) -> Outcome:
    """From one service attachment to another; what only a deployment can tell is one."""
    old, new = (
        ATTACHMENT in text or text == UNKNOWN_UNTIL_DEPLOYED for text in (values.old, values.new)
    )
    if old and new:
        return Outcome.REPLACES
    return Outcome.UNDECIDED if values.unknown else Outcome.IN_PLACE


def _global_access(values: Values) -> Outcome:
    schemes = {side.get("loadBalancingScheme") for side in (values.before, values.after)}
    return _replaced_where("INTERNAL_MANAGED" in schemes)


def _retention(values: Values) -> Outcome:
    """The block: it comes in place, and goes so where it is not locked."""
    locked = values.before.get(f"{values.path}.isLocked") == "true"
    return _replaced_where(locked and not has(values.after, values.path))


def _lock(values: Values) -> Outcome:
    return _replaced_where(values.old == "true" and values.new != "true")


def _special(values: Values) -> Outcome:
    return _replaced_where(bool(values.old or values.new))


CONDITIONS: Mapping[tuple[str, str], Condition] = {
    (INSTANCE, "settings"): _fields_decide,
    (INSTANCE, "settings.autoUpgradeEnabled"): _auto_upgrade,
    (INSTANCE, "settings.diskSize"): _disk_size,
    (INSTANCE, "settings.ipConfiguration.privateNetwork"): _private_network,
    (INSTANCE, "masterInstanceName"): _source,
    (INSTANCE, "replicaConfiguration"): _fields_decide,
    (INSTANCE, "replicaConfiguration.cascadableReplica"): _always,
    (SUBNET, "ipCidrRange"): _range,
    (FORWARDING_RULE, "allowGlobalAccess"): _global_access,
    (FORWARDING_RULE, "target"): _target,
    (RECORD_SET, "routingPolicy"): _fields_decide,
    (BUCKET, "retentionPolicy"): _retention,
    (BUCKET, "retentionPolicy.isLocked"): _lock,
    (BUCKET, "customPlacementConfig"): _fields_decide,
    (METRIC, "metricDescriptor"): _fields_decide,
    (METRIC, "metricDescriptor.labels"): _fields_decide,
    (REPOSITORY, "mavenConfig"): _fields_decide,
    (PASSWORD, "keepers"): _always,
    (PASSWORD, "overrideSpecial"): _special,
}
