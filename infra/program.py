"""The whole program: what one stack's settings declare."""

from infra.access import declare_access, declare_passwords
from infra.instance import declare_instance
from infra.network import declare_network
from infra.outputs import export
from infra.replica import declare_replicas
from infra.settings import Settings


def declare(settings: Settings) -> None:
    """Declare every resource of a stack, under whatever runs the program."""
    network = None if settings.network is None else declare_network(settings, settings.network)
    instance = declare_instance(settings, network)
    replicas = declare_replicas(settings, instance, network)
    passwords = declare_passwords(settings)
    declare_access(settings, instance, passwords)
    cloud = None
    if network is not None:
        from infra.cloud import declare_cloud

        cloud = declare_cloud(settings, network, instance, replicas, passwords)
    export(settings, instance, cloud)
