"""Restart an instance."""

from dataclasses import replace

from infra.local.actions.subject import instance_of
from infra.local.model import InstanceState
from infra.local.work import Job


def run(job: Job) -> None:
    """Stop fast, start with what is configured."""
    instance = instance_of(job)
    cluster = job.service.cluster(instance)
    cluster.configure()
    cluster.restart()
    job.service.store.save_instance(replace(instance, state=InstanceState.RUNNABLE))


def undo(_job: Job, _reason: str) -> None:
    """Do nothing: a cluster that does not start is started by the next restart."""
