"""What only a stack with a cloud declares, beside the network and the instance itself.

Imported by the program where there is one: the local stack, which has none, stays light.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi_random as random
from pulumi_gcp import sql

from infra.alerts import declare_alerts
from infra.network import PrivateNetwork
from infra.passwords import StoredPassword, declare_secrets
from infra.rights import Accounts
from infra.runner import declare_runner
from infra.service_connect import Endpoint, declare_endpoint
from infra.settings import Settings
from infra.storage import Buckets, declare_buckets


@dataclass(frozen=True, slots=True)
class Cloud:
    """What was declared, for the outputs.

    Attributes:
        network: Whose subnet the jobs run in.
        endpoint: With Private Service Connect; None with private services access.
        secrets: By role.
        buckets: Those there are.
        accounts: Of the jobs; None without a runner.
    """

    network: PrivateNetwork
    endpoint: Endpoint | None
    secrets: Mapping[str, StoredPassword]
    buckets: Buckets
    accounts: Accounts | None


def declare_cloud(
    settings: Settings,
    network: PrivateNetwork,
    instance: sql.DatabaseInstance,
    replicas: Mapping[str, sql.DatabaseInstance],
    passwords: Mapping[str, random.RandomPassword],
) -> Cloud:
    """Declare endpoints, secrets, buckets, jobs and alerts, as far as the stack has them.

    Args:
        settings: The stack's.
        network: The private network.
        instance: The primary.
        replicas: By key.
        passwords: By role.
    """
    endpoint = None
    if network.consumers is not None:
        endpoint = _endpoints(settings, network, instance, replicas)
    secrets = declare_secrets(settings, passwords)
    buckets = declare_buckets(settings, instance)
    accounts = None
    if settings.runner is not None and buckets.evidence is not None:
        accounts = declare_runner(settings, settings.runner, network, secrets, buckets.evidence)
    if settings.alerts is not None:
        declare_alerts(settings, settings.alerts)
    return Cloud(network, endpoint, secrets, buckets, accounts)


def _endpoints(
    settings: Settings,
    network: PrivateNetwork,
    instance: sql.DatabaseInstance,
    replicas: Mapping[str, sql.DatabaseInstance],
) -> Endpoint:
    for replica in settings.replicas:
        declare_endpoint(
            settings, network, replica.name, replicas[replica.key], f"replica-{replica.key}-"
        )
    return declare_endpoint(settings, network, settings.instance.name, instance)
