"""Make an instance: an empty cluster, or with point-in-time recovery one and its base backup."""

from dataclasses import replace

from infra.local import availability
from infra.local.actions.subject import instance_of
from infra.local.engine import archive, basebackup, courier, roles
from infra.local.engine.cluster import Cluster
from infra.local.model import Base, Instance, InstanceState
from infra.local.work import Job


def run(job: Job) -> None:
    """Make the cluster, its roles, and the base backup from which it can recover from birth."""
    service = job.service
    instance = service.claim_address(instance_of(job))
    layout = service.make_home(instance)
    cluster = service.cluster(instance)
    cluster.initialise()
    cluster.start()
    roles.furnish(cluster, job.secret)
    courier.close_file_powers(cluster)
    if instance.point_in_time_recovery:
        take_base(job, cluster, instance)
    basebackup.sync(service.runner, layout.root)
    if instance.stopped:
        cluster.stop()
    availability.ensure(service, instance)
    service.store.save_instance(replace(instance, state=InstanceState.RUNNABLE))


def take_base(job: Job, cluster: Cluster, instance: Instance) -> None:
    """Take a base backup of the server's own, from which recovery reaches every later time."""
    drop_base(job, instance)  # the half of one that a killed server left
    base_id = int(archive.now().timestamp() * 1000)
    job.step(job.operation.step, own_base=base_id)  # before there is a folder that nobody knows
    backup = basebackup.take(cluster, cluster.layout.base(base_id))
    base = Base(base_id, instance.uid, instance.era, backup.ended)
    job.service.store.add_base(base)
    # A commit behind it: there is a time to recover to from the beginning.
    archive.ship(cluster)


def drop_base(job: Job, instance: Instance) -> None:
    """Remove the base backup of the server's own that was being taken, unless it is whole."""
    base_id = job.operation.facts.get("own_base")
    known = {base.id for base in job.service.store.bases(instance.uid)}
    if base_id is not None and base_id not in known:
        basebackup.discard(job.service.layout(instance.uid).base(int(base_id)))


def undo(job: Job, _reason: str) -> None:
    """Leave no folder, process, address or instance behind."""
    service = job.service
    uid = str(job.operation.facts["uid"])
    instance = service.store.by_uid(uid)
    service.remove_home(uid)
    if instance is None:
        return
    if instance.address:
        service.addresses.release(instance.address)
    service.store.remove_instance(uid)
