"""The private network that the instance is reached through.

No firewall rules are declared, because none are needed: a VPC lets everything out unless
told otherwise, the jobs (Direct VPC egress) only open connections, and neither Google's
services behind the peering nor an endpoint of Private Service Connect is a machine of this
VPC that a rule for incoming traffic would apply to
(https://cloud.google.com/firewall/docs/firewalls#default_firewall_rules).

pulumi_gcp.compute is loaded by the call: the local stack has no network.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from infra.settings import Network, Settings

if TYPE_CHECKING:
    from pulumi_gcp import compute, servicenetworking

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

    id: "pulumi.Output[str]"
    ready: pulumi.Resource
    subnet: "compute.Subnetwork"
    consumers: tuple[str, ...] | None


def declare_network(settings: Settings, network: Network) -> PrivateNetwork:
    """Declare a VPC with a subnet, and the way to Google's services."""
    from pulumi_gcp import compute

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
    settings: Settings, network: Network, vpc: "compute.Network"
) -> "servicenetworking.Connection":
    """Declare a range for Google's services in a VPC, and the peering with them."""
    from pulumi_gcp import compute, servicenetworking

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
