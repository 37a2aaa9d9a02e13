"""Make a standby, or a replica, anew that was lost."""

import contextlib

from infra.local import availability, replication
from infra.local.actions.subject import instance_of
from infra.local.errors import EngineError
from infra.local.work import Job


def run(job: Job) -> None:
    """Bring it back, from a new base backup where that is needed."""
    instance = instance_of(job)
    if instance.primary is None:
        availability.ensure(job.service, instance)
    else:
        replication.reseed(job.service, instance)


def undo(job: Job, _reason: str) -> None:
    """Leave nothing half-made: the instance goes on as it was, and it is tried again."""
    instance = instance_of(job)
    with contextlib.suppress(EngineError):
        if instance.primary is None:
            availability.remove(job.service, instance)
        else:
            replication.clear(job.service, instance)
