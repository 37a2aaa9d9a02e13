"""Restart an instance: asked for, or because its PostgreSQL died."""

from dataclasses import replace

from infra.local import replication
from infra.local.actions.subject import instance_of
from infra.local.engine import standby
from infra.local.model import InstanceState
from infra.local.work import Job


def run(job: Job) -> None:
    """Stop fast, start with what is configured."""
    instance = instance_of(job)
    cluster = job.service.cluster(instance)
    if instance.primary is None:
        cluster.configure()
        cluster.restart()
    elif standby.is_standby(cluster):
        replication.clear(job.service, instance)
    else:  # it would come back as a primary of its own
        replication.reseed(job.service, instance)
        instance = instance_of(job)
    job.service.store.save_instance(replace(instance, state=InstanceState.RUNNABLE))


def undo(_job: Job, _reason: str) -> None:
    """Do nothing: a cluster that does not start is started by the next restart."""


def give_up(job: Job, _reason: str) -> None:
    """Say that an instance does not come back by itself: it is not tried for ever."""
    instance = instance_of(job)
    job.service.store.save_instance(replace(instance, state=InstanceState.FAILED))
