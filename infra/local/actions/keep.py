"""Backups that outlive their instance: the final one, and those that are to be retained."""

from dataclasses import replace
from datetime import datetime, timedelta

from infra.local import schedule
from infra.local.engine import basebackup
from infra.local.model import BackupRun, Instance, KeptBackup, RunStatus
from infra.local.runs import new_run
from infra.local.work import Job

_TAKING, _REMOVING = "final backup", "removing"


def take_final(job: Job, instance: Instance) -> None:
    """Take the final backup where one is asked for (``final``); a stopped instance is started.

    Raises:
        ProgramFailedError: If it can't be taken; the instance then stays.
    """
    final = job.operation.facts.get("final")
    if final is None or job.operation.step not in ("", _TAKING):
        return
    store = job.service.store
    cluster = job.service.cluster(instance)
    drop_final(job, instance)  # the half of one that a killed server left
    run = new_run(
        store,
        instance,
        schedule.FINAL,
        description=final["description"],
        expires=datetime.fromisoformat(final["expires"]),
    )
    job.step(_TAKING, final_id=run.id)
    if not cluster.is_running():
        cluster.start()
    basebackup.take(cluster, cluster.layout.base(run.id))
    now = store.clock.now()
    with store.transaction():
        store.add_run(replace(run, status=RunStatus.SUCCESSFUL, started=run.enqueued, ended=now))
        job.step(_REMOVING)


def drop_final(job: Job, instance: Instance) -> bool:
    """Remove a final backup that is half taken; return whether the instance is still whole."""
    facts = job.operation.facts
    if facts.get("final") is None or job.operation.step not in ("", _TAKING):
        return False
    if "final_id" in facts:
        basebackup.discard(job.service.layout(instance.uid).base(int(facts["final_id"])))
    return True


def keep(job: Job, instance: Instance) -> None:
    """Put the backups that outlive an instance where its folder's end does not reach them."""
    service, store = job.service, job.service.store
    job.step(_REMOVING)
    for run in store.successful_runs(instance.uid):
        if run.type != schedule.FINAL and not job.operation.facts.get("retain"):
            continue
        folder, target = (
            service.layout(instance.uid).base(run.id),
            service.kept_backups / str(run.id),
        )
        if store.kept_backup(run.id) is None:
            store.keep_backup(_backup_of(job, instance, run))
        service.runner.make_folder(service.kept_backups)
        if not target.exists():
            folder.rename(target)


def _backup_of(job: Job, instance: Instance, run: BackupRun) -> KeptBackup:
    expires = run.expires
    if expires is None and run.type == schedule.AUTOMATED:
        # As many days as backups are kept: then the next ones would have taken its place.
        expires = run.enqueued + timedelta(days=schedule.retained(instance.settings))
    return KeptBackup(
        id=run.id,
        project=instance.project,
        instance=instance.name,
        deleted=job.service.clock.now(),
        expires=expires,
        run=run,
    )
