"""The private network that the instance is reached through."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute, servicenetworking

from infra.settings import Network, Settings

SERVICE = "servicenetworking.googleapis.com"


@dataclass(frozen=True, slots=True)
class PrivateNetwork:
    """What the instance and the jobs need of the network.

    Attributes:
        id: Of the VPC, as ``projects/P/global/networks/N``.
        ready: What has to be there before an instance can have a private address.
        subnet: That jobs run in, and that an endpoint has its address in.
        consumers: Projects that may connect through Private Service Connect; None with
            private services access.
    """

    id: pulumi.Output[str]
    ready: pulumi.Resource
    subnet: compute.Subnetwork
    consumers: tuple[str, ...] | None


def declare_network(settings: Settings, network: Network) -> PrivateNetwork:
    """Declare a VPC with a subnet, and the way to Google's services."""
    vpc = compute.Network(
        "network",
        name=network.name,
        project=settings.project,
        auto_create_subnetworks=False,
    )
    subnet = compute.Subnetwork(
        "subnet",
        name=f"{network.name}-{settings.region}",
        project=settings.project,
        region=settings.region,
        network=vpc.id,
        ip_cidr_range=network.subnet_range,
        private_ip_google_access=True,
    )
    if network.service_connect:
        consumers = tuple(sorted({settings.project, *network.consumer_projects}))
        return PrivateNetwork(vpc.id, subnet, subnet, consumers)
    return PrivateNetwork(vpc.id, _services_access(settings, network, vpc), subnet, None)


def _services_access(
    settings: Settings, network: Network, vpc: compute.Network
) -> servicenetworking.Connection:
    """Declare a range for Google's services in a VPC, and the peering with them."""
    services = compute.GlobalAddress(
        "services-range",
        name=f"{network.name}-services",
        project=settings.project,
        purpose="VPC_PEERING",
        address_type="INTERNAL",
        address=network.range_address,
        prefix_length=network.range_prefix,
        network=vpc.id,
    )
    return servicenetworking.Connection(
        "services",
        network=vpc.id,
        service=SERVICE,
        reserved_peering_ranges=[services.name],
    )
