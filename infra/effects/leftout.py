"""How to really change what stays as it is where a stack leaves it out.

Optional and computed inputs that the program sets in some stacks and leaves out in others;
a test derives them from the program and the table.
"""

from collections.abc import Mapping

from infra.standins import INSTANCE

RANGE = "gcp:compute/globalAddress:GlobalAddress"
_EDITION = "turn it off by a deployment of its own before the edition changes"
_INSIGHTS = "it counts again when Query Insights is on"

WAYS: Mapping[tuple[str, str], str] = {
    (INSTANCE, "settings.connectionPoolConfigs"): _EDITION,
    (INSTANCE, "settings.dataCacheConfig"): _EDITION,
    (INSTANCE, "settings.locationPreference"): "name another zone to move the instance",
    (
        INSTANCE,
        "settings.backupConfiguration.transactionLogRetentionDays",
    ): "it counts again when point-in-time recovery is on",
    (INSTANCE, "settings.insightsConfig.queryStringLength"): _INSIGHTS,
    (INSTANCE, "settings.insightsConfig.queryPlansPerMinute"): _INSIGHTS,
    (INSTANCE, "nodeCount"): "declare a replica of another name, and take the read pool out",
    (INSTANCE, "encryptionKeyName"): "only a new instance has another key, or Google's own",
    (RANGE, "address"): "name another address to make the range anew",
}


def way(kind: str, path: str) -> str:
    """Return how to really change a property that is left out; empty where nobody said.

    Args:
        kind: The resource's type.
        path: Of the property, without list indexes; a block's way is its properties' too.
    """
    while path:
        if (kind, path) in WAYS:
            return WAYS[kind, path]
        path = path.rpartition(".")[0]
    return ""
