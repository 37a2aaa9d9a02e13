"""The private network that the instance is reached through."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from infra.settings.keys import Address, Keys, NetworkName, Rule, key, keys
from infra.settings.stack import ENDPOINT, is_local

if TYPE_CHECKING:
    from infra.settings.declared import Declared

PSC = "PSC"


class NetworkKeys(Keys):
    """Keys of the private network."""

    network_name: NetworkName = Field(
        "", description="VPC that the instance is reached through; only the local stack has none."
    )
    network_mode: Literal["PSA", "PSC"] = Field(
        "PSA", description="PSA for private services access, PSC for Private Service Connect."
    )
    network_range_address: Address = Field(
        "",
        description="First address of the range for private services; empty lets Google choose.",
    )
    network_range_prefix: int = Field(
        20, ge=16, le=24, description="Prefix length of the range for private services."
    )
    subnet_range: str = Field(
        "10.64.0.0/24",
        description="Addresses of the subnet that jobs run in, and of the endpoint with PSC.",
    )
    psc_consumer_projects: list[str] = Field(
        [], description="Other projects that may connect through Private Service Connect."
    )


@dataclass(frozen=True, slots=True)
class Network:
    """The private network that the instance is reached through.

    Attributes:
        name: Of the VPC.
        service_connect: Whether Private Service Connect is used, and no private services
            access.
        range_address: First address of the range for private services access; None lets
            Google choose.
        range_prefix: Prefix length of that range.
        subnet_range: Of the subnet for jobs and endpoints, in CIDR notation.
        consumer_projects: Other projects that may connect through Private Service Connect.
    """

    name: str
    service_connect: bool
    range_address: str | None
    range_prefix: int
    subnet_range: str
    consumer_projects: tuple[str, ...]


def network(d: "Declared") -> Network | None:
    """Return the network's settings; None for the local Cloud SQL, which has none."""
    if not d.network_name:
        return None
    return Network(
        name=d.network_name,
        service_connect=d.network_mode == PSC,
        range_address=d.network_range_address or None,
        range_prefix=d.network_range_prefix,
        subnet_range=d.subnet_range,
        consumer_projects=tuple(sorted(set(d.psc_consumer_projects))),
    )


def _needed(d: "Declared") -> Iterator[str]:
    local = is_local(d)
    if not local and not d.network_name:
        yield (
            f"{key('network_name')} is missing: an instance without a private network would"
            " need a public address."
        )
    if local and d.network_name:
        yield f"{key('network_name')}: the local Cloud SQL has no private networks. Leave it out."


def _ranges(d: "Declared") -> Iterator[str]:
    try:
        subnet = IPv4Network(d.subnet_range)
    except ValueError as error:
        yield f"{key('subnet_range')}: {d.subnet_range!r} is no range of addresses: {error}."
        return
    if not subnet.is_private:
        yield f"{key('subnet_range')}: {d.subnet_range} is not private. Take one of RFC 1918."
    if not d.network_range_address:
        return
    try:
        services = IPv4Network((IPv4Address(d.network_range_address), d.network_range_prefix))
    except ValueError as error:
        yield (
            f"{key('network_range_address')}: {d.network_range_address} can't begin a range of"
            f" prefix length {d.network_range_prefix}: {error}."
        )
        return
    if services.overlaps(subnet):
        yield (
            f"{key('subnet_range')}: {subnet} overlaps the range for private services"
            f" ({services}). Choose another one."
        )


def _projects(d: "Declared") -> Iterator[str]:
    if d.psc_consumer_projects and d.network_mode != PSC:
        yield (
            f"{key('psc_consumer_projects')}: they go with networkMode {PSC}; with"
            f" {d.network_mode} nobody would be let in by them."
        )


def _one_region(d: "Declared") -> Iterator[str]:
    if d.network_mode != PSC:
        return
    for name, replica in sorted(d.replicas.items()):
        if replica.region and replica.region != d.region:
            yield (
                f"{key('replicas')}.{name}.region: with networkMode {PSC} a replica needs an"
                f" endpoint in its own region, and the stack's subnet is in {d.region}. Leave the"
                " region out, or use PSA."
            )


RULES: tuple[Rule, ...] = (
    ((ENDPOINT, *keys("network_name")), _needed),
    (keys("subnet_range", "network_range_address", "network_range_prefix"), _ranges),
    (keys("psc_consumer_projects", "network_mode"), _projects),
    (("gcp:region", *keys("replicas", "network_mode")), _one_region),
)
