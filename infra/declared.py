"""The keys of a stack file: type, default and description of each.

One source: ``Pulumi.yaml``'s config section is ``config_section()`` of this model. What
the keys may say together is in ``infra.rules``; ``infra.settings`` is what comes out.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

NAMESPACE = "ai-square-db"

InstanceName = Annotated[
    str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=97)
]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$", max_length=63)]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]*$", max_length=63)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Hours = Annotated[
    str, StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$")
]
NetworkName = Annotated[
    str, StringConstraints(pattern=r"^([a-z]([a-z0-9-]*[a-z0-9])?)?$", max_length=63)
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _scalar(value: object) -> object:
    if not isinstance(value, str | int | float):
        message = "A flag is a word, a number, true or false"
        raise ValueError(message)  # noqa: TRY004 - pydantic collects ValueErrors
    return value


FlagEntry = Annotated[Any, AfterValidator(_scalar)]


def _key(name: str) -> str:
    return f"{NAMESPACE}:{to_camel(name)}"


class Declared(BaseModel):
    """Every key that a stack's configuration may have, by its whole name."""

    model_config = ConfigDict(alias_generator=_key, extra="forbid", frozen=True)

    project: str = Field(alias="gcp:project", min_length=1, description="Google Cloud project.")
    region: str = Field(alias="gcp:region", min_length=1, description="Region of the instance.")
    sql_custom_endpoint: str = Field(
        "", alias="gcp:sqlCustomEndpoint", description="Another Admin API than Google's."
    )

    production: bool = Field(
        default=False, description="Whether changes are guarded: dry by default, confirmed by name."
    )
    instance: InstanceName = Field("ai-square-db", description="Name of the instance.")
    database_version: Literal["POSTGRES_15"] = Field(
        "POSTGRES_15", description="Major version of PostgreSQL."
    )
    edition: Literal["ENTERPRISE"] = Field(
        "ENTERPRISE", description="Edition of Cloud SQL; never left to the API to choose."
    )
    tier: str = Field("db-custom-2-7680", description="Machine, as db-custom-VCPU-MB.")
    availability: Literal["REGIONAL", "ZONAL"] = Field(
        "REGIONAL", description="REGIONAL for high availability, ZONAL for one machine."
    )
    disk_size_gb: int = Field(
        100,
        ge=10,
        le=65_536,
        description="Size of the disk in GB at creation; it grows by itself and never shrinks.",
    )
    disk_type: Literal["PD_SSD", "PD_HDD"] = Field("PD_SSD", description="Kind of the disk.")
    disk_autoresize: bool = Field(
        default=True, description="Whether a disk that fills is grown by Cloud SQL."
    )
    disk_autoresize_limit_gb: int = Field(
        500, ge=0, le=65_536, description="Size in GB at which growing ends; 0 for no limit."
    )
    backup_enabled: bool = Field(default=True, description="Whether backups are taken every day.")
    backup_start_time: TimeOfDay = Field(
        "19:00", description="Beginning of the backup window, HH:MM in UTC."
    )
    backup_retained: int = Field(7, ge=1, le=365, description="Automated backups that are kept.")
    backup_location: str = Field(
        "", description="Where backups are kept; empty for the multi-region nearest to the region."
    )
    point_in_time_recovery: bool = Field(
        default=True, description="Whether the write-ahead log is kept, to restore to any moment."
    )
    log_retention_days: int = Field(
        7,
        ge=1,
        le=7,  # Enterprise's limit: https://cloud.google.com/sql/docs/postgres/backup-recovery/pitr
        description="Days for which the write-ahead log is kept.",
    )
    deletion_protection: bool = Field(
        default=True, description="The provider's, the API's and Pulumi's protection together."
    )
    network_name: NetworkName = Field(
        "", description="VPC with private services access; only the local Cloud SQL has none."
    )
    network_range_address: str = Field(
        "",
        pattern=r"^(\d{1,3}(\.\d{1,3}){3})?$",
        description="First address of the range for private services; empty lets Google choose.",
    )
    network_range_prefix: int = Field(
        20, ge=16, le=24, description="Prefix length of the range for private services."
    )
    database: Identifier = Field("ai_square", description="Name of the application's database.")
    owner_user: Identifier = Field(
        "ai_square_owner", description="User that owns the schema and runs migrations."
    )
    app_user: Identifier = Field("ai_square_app", description="User of the application.")
    pool_max_connections: int = Field(
        100, ge=1, description="Connections that all pools together may open."
    )
    pool_size: int = Field(20, ge=1, description="Connections of one pool.")
    pool_idle_timeout_seconds: int = Field(
        600, ge=1, description="An idle pooled connection is closed after so many seconds."
    )
    pool_lifetime_seconds: int = Field(
        3600, ge=1, description="A pooled connection is closed after so many seconds."
    )
    drill_rto_target_seconds: int = Field(
        3600, ge=1, description="Longest time to a working copy that a restore drill accepts."
    )
    drill_rpo_target_seconds: int = Field(
        300, ge=0, description="Most data, in seconds, that a restore drill accepts to lose."
    )
    drill_lease_minutes: int = Field(
        15, ge=1, description="A drill that says nothing for so long counts as dead."
    )
    change_days: list[Day] = Field(
        [], description="Days on which changes may begin, mon to sun; empty for every day."
    )
    change_hours: Hours = Field(
        "", description="Hours for changes, HH:MM-HH:MM in UTC; empty for the whole day."
    )

    flags: dict[str, FlagEntry] = Field({}, description="Database flags, in people's units.")
    labels: dict[Label, Label] = Field({}, description="Labels on the instance.")


def keys() -> dict[str, str]:
    """Return the description of every key, by its whole name."""
    return {str(f.alias): str(f.description) for f in Declared.model_fields.values()}


def _own() -> Iterator[tuple[str, Any]]:
    for field in Declared.model_fields.values():
        if str(field.alias).startswith(f"{NAMESPACE}:"):
            yield str(field.alias), field


def config_section() -> dict[str, dict[str, object]]:
    """Return the config section of ``Pulumi.yaml``: what that file can declare.

    Scalars and arrays of our own namespace; maps (flags, labels) and the keys of the gcp
    provider have no place there.
    """
    section: dict[str, dict[str, object]] = {}
    for key, field in _own():
        kind = _pulumi_type(field.annotation)
        if kind is None:
            continue
        entry: dict[str, object] = {"type": kind}
        if kind == "array":
            entry["items"] = {"type": "string"}
        entry |= {"default": field.default, "description": field.description}
        section[key] = entry
    return section


def _pulumi_type(annotation: object) -> str | None:
    if get_origin(annotation) is dict:
        return None
    if get_origin(annotation) is list:
        return "array"
    if annotation is bool:
        return "boolean"
    return "integer" if annotation is int else "string"


def engine_values(handed: Mapping[str, object]) -> dict[str, object]:
    """Return what the Pulumi engine hands over, with maps and arrays parsed.

    The engine gives every value as text; arrays and maps as JSON. What does not parse
    stays text, for the validation to refuse.
    """
    nested = {
        str(f.alias)
        for f in Declared.model_fields.values()
        if get_origin(f.annotation) in {dict, list}
    }
    values = dict(handed)
    for key in nested & values.keys():
        try:
            values[key] = json.loads(str(values[key]))
        except ValueError:
            continue
    return values
