"""The private network that the instance is reached through: private services access."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute, servicenetworking

from infra.settings import Network

SERVICE = "servicenetworking.googleapis.com"


@dataclass(frozen=True, slots=True)
class PrivateNetwork:
    """What the instance needs of its network.

    Attributes:
        id: Of the VPC, as ``projects/P/global/networks/N``.
        ready: What has to be there before an instance can have a private address.
    """

    id: pulumi.Output[str]
    ready: pulumi.Resource


def declare_network(project: str, network: Network) -> PrivateNetwork:
    """Declare a VPC, a range for Google's services in it, and the peering with them."""
    vpc = compute.Network(
        "network",
        name=network.name,
        project=project,
        auto_create_subnetworks=False,
    )
    services = compute.GlobalAddress(
        "services-range",
        name=f"{network.name}-services",
        project=project,
        purpose="VPC_PEERING",
        address_type="INTERNAL",
        address=network.range_address,
        prefix_length=network.range_prefix,
        network=vpc.id,
    )
    peering = servicenetworking.Connection(
        "services",
        network=vpc.id,
        service=SERVICE,
        reserved_peering_ranges=[services.name],
    )
    return PrivateNetwork(vpc.id, peering)
