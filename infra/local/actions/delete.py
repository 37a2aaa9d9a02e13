"""Delete an instance with its backups, but for those that are to outlive it."""

from dataclasses import replace

from infra.local.actions import keep
from infra.local.model import InstanceState
from infra.local.work import Job


def run(job: Job) -> None:
    """Remove its processes, folder, address and records."""
    service = job.service
    uid = str(job.operation.facts["uid"])
    instance = service.store.by_uid(uid)
    if instance is not None:
        keep.take_final(job, instance)
        keep.keep(job, instance)
    service.doors.close(uid)
    service.remove_home(uid)
    if instance is None:
        return
    if instance.address:
        service.addresses.release(instance.address)
    service.store.remove_instance(uid)


def undo(job: Job, _reason: str) -> None:
    """Leave it marked if it is half gone: asking again goes on."""
    instance = job.service.store.by_uid(str(job.operation.facts["uid"]))
    if instance is not None and keep.drop_final(job, instance):
        job.service.store.save_instance(replace(instance, state=InstanceState.RUNNABLE))
    elif instance is not None and instance.state is not InstanceState.FAILED:
        job.service.store.save_instance(replace(instance, state=InstanceState.FAILED))
