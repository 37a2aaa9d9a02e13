"""The machine: version, edition, tier, availability, zones, encryption key, labels."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from infra.settings.backup import Backup, backup
from infra.settings.disk import Disk, disk
from infra.settings.flags import compiled
from infra.settings.insights import Insights, insights
from infra.settings.keys import InstanceName, Keys, Label, Rule, Zone, key, keys
from infra.settings.maintenance import Maintenance, maintenance
from infra.settings.protection import Protection, protection
from ops.tiers import PLUS, BadTierError, Tier, parse_tier

if TYPE_CHECKING:
    from infra.flags import FlagValue
    from infra.settings.declared import Declared

NAME_LIMIT = 98  # of project:instance together, by the API

KMS_KEY = re.compile(
    r"projects/[^/]+/locations/(?P<location>[^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+"
)


class InstanceKeys(Keys):
    """Keys of the machine."""

    instance: InstanceName = Field("ai-square-db", description="Name of the instance.")
    database_version: Literal["POSTGRES_15", "POSTGRES_16", "POSTGRES_17"] = Field(
        "POSTGRES_15", description="Major version of PostgreSQL."
    )
    edition: Literal["ENTERPRISE", "ENTERPRISE_PLUS"] = Field(
        "ENTERPRISE", description="Edition of Cloud SQL; never left to the API to choose."
    )
    tier: str = Field(
        "db-custom-2-7680",
        description="Machine: db-custom-VCPU-MB, or db-perf-optimized-N-VCPU on ENTERPRISE_PLUS.",
    )
    availability: Literal["REGIONAL", "ZONAL"] = Field(
        "REGIONAL", description="REGIONAL for high availability, ZONAL for one machine."
    )
    zone: Zone = Field("", description="Zone of the primary; empty lets Cloud SQL choose.")
    secondary_zone: Zone = Field(
        "", description="Zone of the standby of a REGIONAL instance; empty lets Cloud SQL choose."
    )
    data_cache: bool = Field(
        default=False, description="Whether reads are cached on local SSD; ENTERPRISE_PLUS alone."
    )
    connection_pooling: bool = Field(
        default=False,
        description="Whether Cloud SQL pools connections itself; ENTERPRISE_PLUS alone.",
    )
    kms_key: str = Field(
        "", description="Customer-managed encryption key, by its whole name; empty for Google's."
    )
    deletion_protection: bool = Field(
        default=True, description="The provider's, the API's and Pulumi's protection together."
    )
    labels: dict[Label, Label] = Field({}, description="Labels on the instance.")


@dataclass(frozen=True, slots=True)
class InstanceSettings:
    """The Cloud SQL instance.

    Attributes:
        name: Of the instance.
        database_version: As the API names it: ``POSTGRES_15``.
        edition: Always explicit: PostgreSQL 16 and newer would become ENTERPRISE_PLUS.
        tier: The machine.
        availability: ``REGIONAL`` (high availability) or ``ZONAL``.
        zone: Of the primary; None for Cloud SQL's choice.
        secondary_zone: Of the standby; None for Cloud SQL's choice.
        disk: The data disk.
        flags: Compiled to the API's units, in order of their names.
        backup: Automated backups, and what stays when the instance goes.
        maintenance: When Cloud SQL may update the machine.
        insights: What Query Insights records.
        protection: Encryption on the wire, connectors, passwords.
        data_cache: Whether reads are cached on local SSD.
        connection_pooling: Whether Cloud SQL pools connections.
        kms_key: Customer-managed encryption key; None for Google's.
        deletion_protection: Of the provider, of the API and of Pulumi, together.
        labels: On the instance.
    """

    name: str
    database_version: str
    edition: str
    tier: Tier
    availability: str
    zone: str | None
    secondary_zone: str | None
    disk: Disk
    flags: "tuple[FlagValue, ...]"
    backup: Backup
    maintenance: Maintenance
    insights: Insights
    protection: Protection
    data_cache: bool
    connection_pooling: bool
    kms_key: str | None
    deletion_protection: bool
    labels: Mapping[str, str]


def instance(d: "Declared") -> InstanceSettings:
    """Return the instance's settings."""
    return InstanceSettings(
        name=d.instance,
        database_version=d.database_version,
        edition=d.edition,
        tier=parse_tier(d.tier, d.edition),
        availability=d.availability,
        zone=d.zone or None,
        secondary_zone=d.secondary_zone or None,
        disk=disk(d),
        flags=compiled(d),
        backup=backup(d),
        maintenance=maintenance(d),
        insights=insights(d),
        protection=protection(d),
        data_cache=d.data_cache,
        connection_pooling=d.connection_pooling,
        kms_key=d.kms_key or None,
        deletion_protection=d.deletion_protection,
        labels=MappingProxyType(dict(sorted(d.labels.items()))),
    )


def _tier(d: "Declared") -> Iterator[str]:
    try:
        parse_tier(d.tier, d.edition)
    except BadTierError as error:
        yield f"{key('tier')}: {error}"


def _whole_name(d: "Declared") -> Iterator[str]:
    if len(d.project) + 1 + len(d.instance) > NAME_LIMIT:
        yield (
            f"{key('instance')}: project and instance names together are limited to"
            f" {NAME_LIMIT} characters."
        )


def _zones(d: "Declared") -> Iterator[str]:
    for name, zone in (("zone", d.zone), ("secondary_zone", d.secondary_zone)):
        if zone and not zone.startswith(f"{d.region}-"):
            yield f"{key(name)}: {zone} is not in gcp:region {d.region}. Name a zone of that."
    if d.secondary_zone and d.availability != "REGIONAL":
        yield (
            f"{key('secondary_zone')}: a ZONAL instance has no standby. Leave it out, or make"
            " availability REGIONAL."
        )
    if d.secondary_zone and d.secondary_zone == d.zone:
        yield f"{key('secondary_zone')}: {d.zone} is the primary's zone. Choose another one."


def _plus(d: "Declared") -> Iterator[str]:
    """https://cloud.google.com/sql/docs/postgres/editions-intro lists what needs the edition."""
    for name, on in (
        ("data_cache", d.data_cache),
        ("connection_pooling", d.connection_pooling),
    ):
        if on and d.edition != PLUS:
            yield f"{key(name)} needs edition {PLUS}; this stack's is {d.edition}."


def _kms_key(d: "Declared") -> Iterator[str]:
    if not d.kms_key:
        return
    match = KMS_KEY.fullmatch(d.kms_key)
    if match is None:
        yield (
            f"{key('kms_key')}: {d.kms_key!r} is no key's name. Write projects/PROJECT/locations/"
            f"{d.region}/keyRings/RING/cryptoKeys/KEY."
        )
    elif match["location"] != d.region:
        yield (
            f"{key('kms_key')}: the key is in {match['location']}, and Cloud SQL takes keys of"
            f" the instance's own region alone ({d.region})."
        )


RULES: tuple[Rule, ...] = (
    (keys("tier", "edition"), _tier),
    (("gcp:project", *keys("instance")), _whole_name),
    (("gcp:region", *keys("zone", "secondary_zone", "availability")), _zones),
    (keys("data_cache", "connection_pooling", "edition"), _plus),
    (("gcp:region", *keys("kms_key")), _kms_key),
)
