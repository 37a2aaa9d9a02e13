"""The whole program: what one stack's settings declare."""

from infra.access import declare_access
from infra.instance import declare_instance
from infra.network import declare_network
from infra.outputs import export
from infra.settings import Settings


def declare(settings: Settings) -> None:
    """Declare every resource of a stack, under whatever runs the program."""
    network = (
        None if settings.network is None else declare_network(settings.project, settings.network)
    )
    instance = declare_instance(settings, network)
    declare_access(settings, instance)
    export(settings, instance)
