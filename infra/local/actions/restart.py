"""Restart an instance."""

from infra.local.actions.subject import instance_of
from infra.local.work import Job


def run(job: Job) -> None:
    """Stop fast, start with what is configured."""
    cluster = job.service.cluster(instance_of(job))
    cluster.configure()
    cluster.restart()


def undo(_job: Job, _reason: str) -> None:
    """Do nothing: a cluster that does not start is started by the next restart."""
