"""Restore a backup into an existing instance: its content is replaced, its settings stay.

Or into a new one, which gets the settings that the backup's instance had.

The new data directory is prepared beside the old one; the old one is kept until the new one
has recovered. Killed in the midst, the next start carries it on.
"""

import shutil
from dataclasses import replace

from infra.local import availability
from infra.local.actions import create
from infra.local.actions.clone import keep_base, recoverable_from
from infra.local.actions.subject import instance_of
from infra.local.engine import basebackup, recovery
from infra.local.engine.conf import Recovery
from infra.local.engine.layout import Layout
from infra.local.model import InstanceState
from infra.local.work import Job

_PREPARING, _REPLACING, _CLEARING = "preparing", "replacing", "clearing"


def run(job: Job) -> None:
    """Prepare, replace, recover, clear; or make the instance that the backup becomes."""
    if job.operation.facts.get("new"):
        _make(job)
        return
    if job.operation.step in ("", _PREPARING):
        _prepare(job)
    if job.operation.step in (_PREPARING, _REPLACING):
        _replace(job)
    _clear(job)


def _make(job: Job) -> None:
    """Make a new instance of the backup; begun again from the beginning after a kill."""
    service = job.service
    if instance_of(job).state is InstanceState.RUNNABLE:  # carried on when all was done
        _clear(job)
        return
    instance = service.claim_address(instance_of(job))
    service.remove_home(instance.uid)
    layout = service.make_home(instance)
    cluster = service.cluster(instance)
    _copy(job, layout)
    (layout.incoming / "data").rename(layout.data)
    recovery.recover(cluster, Recovery(archive=None))
    basebackup.sync(service.runner, layout.root)
    usable_from = recoverable_from(cluster)
    if instance.stopped:
        cluster.stop()
    availability.ensure(service, instance)
    with service.store.transaction():
        keep_base(service, instance, int(job.operation.facts["base_id"]), usable_from)
        service.store.save_instance(replace(instance, state=InstanceState.RUNNABLE))
    _clear(job)


def _prepare(job: Job) -> None:
    job.step(_PREPARING)
    layout = job.service.layout(instance_of(job).uid)
    shutil.rmtree(layout.outgoing, ignore_errors=True)
    _copy(job, layout)


def _copy(job: Job, layout: Layout) -> None:
    """Copy the backup's base backup, and link it as the one that the next era starts from."""
    runner = job.service.runner
    facts = job.operation.facts
    source = job.service.backup_folder(int(facts["backup_id"]), str(facts["backup_instance"]))
    heir = layout.base(int(facts["base_id"]))
    basebackup.discard(layout.incoming)
    basebackup.discard(heir)
    runner.make_folder(layout.incoming)
    basebackup.copy(runner, source, layout.incoming / "data")
    basebackup.adopt(runner, source, heir)


def _replace(job: Job) -> None:
    service, store = job.service, job.service.store
    instance = replace(instance_of(job), state=InstanceState.MAINTENANCE)
    job.step(_REPLACING)
    store.save_instance(instance)
    availability.remove(service, instance)
    layout = service.layout_of(instance)
    next_era = replace(instance, era=instance.era + 1, state=InstanceState.RUNNABLE)
    cluster = service.cluster(next_era)
    cluster.stop()
    # Carried on: what the half-recovered one archived has the names of what will come.
    shutil.rmtree(layout.archive(next_era.era), ignore_errors=True)
    service.runner.make_folder(layout.archive(next_era.era))
    if layout.outgoing.exists():  # carried on: what is in place is the half-recovered new one
        shutil.rmtree(layout.data, ignore_errors=True)
    else:
        layout.data.rename(layout.outgoing)
    if not (layout.incoming / "data").exists():
        _copy(job, layout)
    (layout.incoming / "data").rename(layout.data)
    recovery.recover(cluster, Recovery(archive=None))
    basebackup.sync(service.runner, layout.root)
    base_id = int(job.operation.facts["base_id"])
    usable_from = recoverable_from(cluster)
    with store.transaction():
        keep_base(service, next_era, base_id, usable_from)
        store.save_instance(next_era)
        job.step(_CLEARING)


def _clear(job: Job) -> None:
    instance = instance_of(job)
    layout = job.service.layout_of(instance)
    shutil.rmtree(layout.outgoing, ignore_errors=True)
    shutil.rmtree(layout.incoming, ignore_errors=True)
    availability.attempt(job.service, instance)


def undo(job: Job, reason: str) -> None:
    """Put the old content back; leave nothing of an instance that was to be made."""
    if job.operation.facts.get("new"):
        create.undo(job, reason)
        return
    instance = instance_of(job)
    layout = job.service.layout_of(instance)
    if job.operation.step == _CLEARING:
        return
    basebackup.discard(layout.incoming)
    basebackup.discard(layout.base(int(job.operation.facts["base_id"])))
    cluster = job.service.cluster(instance)
    if layout.outgoing.exists():
        cluster.stop("immediate")
        shutil.rmtree(layout.data, ignore_errors=True)
        layout.outgoing.rename(layout.data)
        cluster.configure()
    if not instance.stopped and not cluster.is_running():
        cluster.start()
    availability.attempt(job.service, instance)
    job.service.store.save_instance(replace(instance, state=InstanceState.RUNNABLE))
