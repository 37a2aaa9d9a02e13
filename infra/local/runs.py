"""New backup runs, asked for by a request or due by the clock."""

from datetime import datetime

from infra.local.api.places import backup_location
from infra.local.model import BackupRun, Instance, Operation, OperationType, RunStatus
from infra.local.store import Store
from infra.local.work import new_operation


def new_run(
    store: Store,
    instance: Instance,
    kind: str,
    *,
    description: str = "",
    location: str = "",
    window: datetime | None = None,
    expires: datetime | None = None,
) -> BackupRun:
    """Return a backup run to be taken; within a transaction its id stays free.

    Args:
        store: Where it will be kept.
        instance: The instance.
        kind: ``ON_DEMAND``, ``AUTOMATED`` or ``FINAL``.
        description: As given.
        location: Where it is asked to be kept; empty for where backups are kept.
        window: When the backup window began; None for one that is asked for.
        expires: When it is to be deleted; None for when the retention says.
    """
    enqueued = store.clock.now()
    kept_in = (instance.settings.get("backupConfiguration") or {}).get("location")
    facts = {"region": instance.region, "settings": dict(instance.settings)}
    if window is not None:
        facts["window"] = window.isoformat()
    return BackupRun(
        id=store.next_run_id(int(enqueued.timestamp() * 1000)),
        instance=instance.uid,
        status=RunStatus.ENQUEUED,
        type=kind,
        description=description,
        version=instance.version,
        location=location or str(kept_in or backup_location(instance.region)),
        enqueued=enqueued,
        expires=expires,
        facts=facts,
    )


def taking(instance: Instance, run: BackupRun) -> Operation:
    """Return the operation that takes a backup run."""
    return new_operation(
        OperationType.BACKUP_VOLUME,
        instance.project,
        instance.name,
        backup_id=run.id,
        facts={"uid": instance.uid},
    )


def deleting(project: str, target: str, run: BackupRun) -> Operation:
    """Return the operation that deletes a backup run, of an instance that is there or was."""
    return new_operation(
        OperationType.DELETE_BACKUP,
        project,
        target,
        backup_id=run.id,
        facts={"uid": run.instance},
    )
