"""Take and delete backup runs."""

from dataclasses import replace

from infra.local import window
from infra.local.actions.subject import instance_of
from infra.local.engine import archive, basebackup
from infra.local.model import BackupRun, Base, Operation, RunStatus
from infra.local.work import Job


def run(job: Job) -> None:
    """Take a physical base backup with its WAL, checked and synced."""
    service, store = job.service, job.service.store
    instance = instance_of(job)
    running = replace(_run_of(job), status=RunStatus.RUNNING, started=service.clock.now())
    store.save_run(running)
    cluster = service.cluster(instance)
    base = basebackup.take(cluster, cluster.layout.base(running.id))
    if instance.point_in_time_recovery:
        # A commit behind it: recovery reaches a time even when the log before it has gone.
        archive.ship(cluster)
    with store.transaction():
        store.add_base(Base(running.id, instance.uid, instance.era, base.ended, run=running.id))
        store.save_run(replace(running, status=RunStatus.SUCCESSFUL, ended=service.clock.now()))


def undo(job: Job, reason: str) -> None:
    """Record the run as failed; nothing of it is left on the disk."""
    service, store = job.service, job.service.store
    run = store.run(_id_of(job.operation))
    if run is None or run.status is RunStatus.SUCCESSFUL:
        return
    basebackup.discard(service.layout(run.instance).base(run.id))
    store.save_run(replace(run, status=RunStatus.FAILED, ended=service.clock.now(), error=reason))


def delete(job: Job) -> None:
    """Delete a backup run and its files, of an instance that is there or was.

    A base backup that the recovery window begins on stays, as the server's own.
    """
    service, store = job.service, job.service.store
    run_id = _id_of(job.operation)
    run = store.run(run_id)
    if run is None:
        basebackup.discard(service.kept_backups / str(run_id))
        store.forget_backup(run_id)
        return
    instance = store.by_uid(run.instance)
    needed = None if instance is None else window.first_needed(service, instance)
    if needed is not None and needed.run == run_id:
        store.remove_run(run_id, leave_base=True)
        return
    for base in store.bases(run.instance):
        if base.run == run_id:  # forgotten before its files go: nobody recovers from half of it
            store.remove_base(base)
    service.discard_base(run.instance, run.id)
    store.remove_run(run.id)


def undo_delete(_job: Job, _reason: str) -> None:
    """Do nothing: what is deleted stays deleted, and asking again goes on."""


def _id_of(operation: Operation) -> int:
    return operation.backup_id or 0


def _run_of(job: Job) -> BackupRun:
    run = job.service.store.run(_id_of(job.operation))
    if run is None:
        raise LookupError(job.operation.backup_id)
    return run
