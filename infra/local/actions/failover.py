"""Fail over: the standby becomes the primary on the instance's address, the other is made anew.

The old primary is fenced first. From the moment that the standby is promoted there is no way
back; killed in the midst, the next start goes on.
"""

from dataclasses import replace

from infra.local import availability
from infra.local.actions.subject import instance_of
from infra.local.engine import standby
from infra.local.errors import EngineError
from infra.local.model import Instance
from infra.local.work import Job

_PROMOTING, _REBUILDING = "promoting", "rebuilding"


class NotSynchronousError(EngineError):
    """The standby may lack commits."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The standby of {name} is not up to date. Try again later.")


def run(job: Job) -> None:
    """Fence, promote, take the address over, rebuild."""
    if job.operation.step in ("", _PROMOTING):
        _promote(job)
    instance = instance_of(job)
    _serve(job, instance)
    availability.attempt(job.service, instance)


def _promote(job: Job) -> None:
    service = job.service
    instance = instance_of(job)
    old, other = service.cluster(instance), service.standby(instance)
    if standby.is_standby(other) and not standby.is_synchronous(old.layout.synchronous):
        raise NotSynchronousError(instance.name)
    job.step(_PROMOTING)
    if old.is_running():
        old.stop("immediate")
    if not other.is_running():
        other.start()
    other.promote()
    # What a dead postmaster left can promise no commit: it has lost its standby.
    old.stop("immediate")
    facts = {
        **instance.facts,
        "side": other.layout.side,
        "failed_over": not instance.facts.get("failed_over"),
    }
    with service.store.transaction():
        service.store.save_instance(replace(instance, facts=facts))
        job.step(_REBUILDING)


def _serve(job: Job, instance: Instance) -> None:
    """Let the promoted standby listen on the instance's address, as which it starts again."""
    cluster = job.service.cluster(instance)
    if cluster.is_running() and cluster.has_configuration():
        return
    standby.set_synchronous(cluster, on=False)
    cluster.stop()
    cluster.configure()
    cluster.start()


def undo(job: Job, _reason: str) -> None:
    """Start what was the primary again, unless the standby has taken over."""
    instance = instance_of(job)
    cluster = job.service.cluster(instance)
    if job.operation.step == _PROMOTING and not standby.is_standby(job.service.standby(instance)):
        # Promoted, or gone: what the old primary would write now has another history.
        run(job)
    elif not cluster.is_running():
        cluster.start()
