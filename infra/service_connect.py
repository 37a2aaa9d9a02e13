"""Private Service Connect: an address of ours for each instance, and its name in our DNS.

An instance offers a service attachment; a forwarding rule gives it an address in the
stack's subnet. Clients and connectors use the instance's own DNS name, so that its
certificate fits: a private zone answers it with that address
(https://cloud.google.com/sql/docs/postgres/configure-private-service-connect).
"""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute, dns, sql

from infra.names import fitting
from infra.network import PrivateNetwork
from infra.settings import Settings

NAME_LIMIT = 63  # https://cloud.google.com/compute/docs/naming-resources
RECORD_TTL_S = 300


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an instance is reached.

    Attributes:
        address: In the stack's subnet.
        dns_name: The instance's own, with its last dot.
    """

    address: pulumi.Output[str]
    dns_name: pulumi.Output[str]


def declare_endpoint(
    settings: Settings,
    network: PrivateNetwork,
    name: str,
    instance: sql.DatabaseInstance,
    prefix: str = "",
) -> Endpoint:
    """Declare an endpoint of an instance in the stack's region, and its DNS.

    Args:
        settings: The stack's.
        network: Whose subnet takes the address.
        name: Of the instance.
        instance: That is reached through it; it lies in the stack's region.
        prefix: Of the resources' names in the program: empty for the primary.
    """
    common = {"name": fitting(name, "psc", NAME_LIMIT), "project": settings.project}
    address = compute.Address(
        f"{prefix}endpoint-address",
        **common,
        region=settings.region,
        subnetwork=network.subnet.id,
        address_type="INTERNAL",
        labels=dict(settings.instance.labels),
    )
    compute.ForwardingRule(
        f"{prefix}endpoint",
        **common,
        region=settings.region,
        network=network.id,
        ip_address=address.id,
        target=instance.psc_service_attachment_link,
        # Empty on purpose: left out it would be EXTERNAL, which an attachment refuses.
        # https://www.pulumi.com/registry/packages/gcp/api-docs/compute/forwardingrule/
        load_balancing_scheme="",
        allow_psc_global_access=True,
        labels=dict(settings.instance.labels),
    )
    zone = dns.ManagedZone(
        f"{prefix}endpoint-zone",
        **common,
        description=f"The name of Cloud SQL instance {name}, answered with our endpoint",
        dns_name=instance.dns_name,
        visibility="private",
        private_visibility_config=dns.ManagedZonePrivateVisibilityConfigArgs(
            networks=[
                dns.ManagedZonePrivateVisibilityConfigNetworkArgs(network_url=network.id),
            ]
        ),
        labels=dict(settings.instance.labels),
    )
    dns.RecordSet(
        f"{prefix}endpoint-record",
        name=instance.dns_name,
        project=settings.project,
        managed_zone=zone.name,
        type="A",
        ttl=RECORD_TTL_S,
        rrdatas=[address.address],
    )
    return Endpoint(address.address, instance.dns_name)
