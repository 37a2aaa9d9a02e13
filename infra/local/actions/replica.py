"""Read replicas: make, promote, stop and start them."""

import logging
from dataclasses import replace
from typing import Any

from infra.local import availability, replication
from infra.local.actions.subject import instance_of
from infra.local.engine import basebackup, standby
from infra.local.model import Instance, InstanceState
from infra.local.work import Job

_PROMOTED = "promoted"
_BACK_LIMIT_S = 15
_log = logging.getLogger(__name__)


def create(job: Job) -> None:
    """Make a streaming replica, on an address of its own."""
    service = job.service
    primary = service.cluster(instance_of(job, "primary_uid"))
    instance = service.claim_address(instance_of(job))
    layout = service.make_home(instance)
    cluster = service.cluster(instance)
    standby.seed(primary, cluster)
    cluster.start()
    standby.wait_streaming(primary, cluster, instance.name)
    basebackup.sync(service.runner, layout.root)
    service.store.save_instance(replace(instance, state=InstanceState.RUNNABLE))


def promote(job: Job) -> None:
    """Make a replica an instance of its own, which it stays."""
    service = job.service
    instance = instance_of(job)
    if job.operation.step != _PROMOTED:
        cluster = service.cluster(instance)
        if not cluster.is_running():
            cluster.start()
        cluster.promote()
        instance = replace(instance, facts=independent(instance))
        with service.store.transaction():
            service.store.save_instance(instance)
            job.step(_PROMOTED)
    cluster = service.cluster(instance)
    cluster.configure()
    if cluster.is_running():
        cluster.reload()
    else:
        cluster.start()
    availability.ensure(service, instance)


def independent(instance: Instance) -> dict[str, Any]:
    """Return what the server knows of an instance, without that it replicates another."""
    return {
        name: value
        for name, value in instance.facts.items()
        if name not in ("primary", "replication_stopped")
    }


def stop(job: Job) -> None:
    """Let a replica stay as it is; it goes on being read."""
    _replicate(job, on=False)


def start(job: Job) -> None:
    """Let a replica catch up again."""
    _replicate(job, on=True)


def _replicate(job: Job, *, on: bool) -> None:
    service = job.service
    current = instance_of(job)
    instance = replace(current, facts={**current.facts, "replication_stopped": not on})
    cluster = service.cluster(instance)
    cluster.configure()
    service.store.save_instance(instance)
    if cluster.layout.standby.data.exists():  # killed while it was made anew
        replication.clear(service, instance)
    elif cluster.is_running():
        cluster.reload()
    else:
        cluster.start()
    if not on:
        standby.wait_disconnected(cluster)
        return
    primary = service.cluster(replication.primary_of(service.store, instance))
    try:
        standby.wait_streaming(primary, cluster, instance.name, _BACK_LIMIT_S)
    except standby.StandbyLostError as error:
        # Stopped for longer than the log is kept.
        _log.warning("The replica %s is made anew: %s", instance.name, error)
        replication.reseed(service, instance)


def undo_promote(job: Job, reason: str) -> None:
    """Let it go on as a replica, unless it has become a primary: then there is no way back."""
    if job.operation.step != _PROMOTED and standby.is_standby(
        job.service.cluster(instance_of(job))
    ):
        undo(job, reason)
    else:
        promote(job)


def undo(job: Job, _reason: str) -> None:
    """Let it run with the settings that are written down."""
    cluster = job.service.cluster(instance_of(job))
    if not cluster.has_configuration():
        cluster.configure()
        cluster.stop()
    if not cluster.is_running():
        cluster.start()
