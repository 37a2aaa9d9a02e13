"""Read replicas: which there are, and how a lost one is made anew."""

import shutil
from dataclasses import replace

from infra.local.engine import standby
from infra.local.errors import EngineError
from infra.local.model import Instance
from infra.local.service import Service
from infra.local.store import Store


class PrimaryGoneError(EngineError):
    """The primary was deleted in the meantime."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The primary of {name} is gone. Promote {name}, or delete it.")


def primary_of(store: Store, replica: Instance) -> Instance:
    """Return the instance that a replica streams from.

    Raises:
        PrimaryGoneError: If it is no more.
    """
    primary = store.by_uid(str(replica.primary))
    if primary is None:
        raise PrimaryGoneError(replica.name)
    return primary


def reseed(service: Service, replica: Instance) -> None:
    """Make a replica anew from its primary, beside what it has, and change over.

    Raises:
        EngineError: If that fails.
    """
    primary = service.cluster(primary_of(service.store, replica))
    before = service.cluster(replica)
    fresh = replace(replica, facts={**replica.facts, "side": before.layout.standby.side})
    cluster = service.cluster(fresh)
    standby.seed(primary, cluster)
    before.stop("immediate")
    cluster.start()
    service.store.save_instance(fresh)
    shutil.rmtree(before.data, ignore_errors=True)
    standby.wait_streaming(primary, cluster, replica.name)


def clear(service: Service, replica: Instance) -> None:
    """Remove what a replica that was to be made anew left half-made, and start it as it is."""
    cluster = service.cluster(replica)
    other = replace(cluster, layout=replace(cluster.layout, side=cluster.layout.standby.side))
    other.stop("immediate")
    shutil.rmtree(other.data, ignore_errors=True)
    cluster.configure()
    cluster.restart()
