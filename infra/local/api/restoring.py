"""instances.restoreBackup: into an instance that is there, or one that the backup becomes."""

from dataclasses import replace

from infra.local import disk
from infra.local.api import defaults, replicas
from infra.local.api.body import merged, required
from infra.local.api.call import Call
from infra.local.api.errors import invalid, not_found, not_valid, unimplemented
from infra.local.api.instances import checked_name, new_instance
from infra.local.api.kept import Found, find, parse_name
from infra.local.api.places import checked_region
from infra.local.engine import archive
from infra.local.model import Body, Instance, Operation, OperationType, RunStatus, major_of
from infra.local.work import new_operation


def restore_backup(call: Call) -> Body:
    """Answer instances.restoreBackup: of a backup run, or of a backup by its name."""
    if call.body.get("backupdrBackup"):
        raise unimplemented("instances.restoreBackup of a Backup and DR backup")
    if not call.body.get("backup"):
        target = call.ready()
        return _restore(call, target, _of_run(call, target))
    backup = find(call, *parse_name(str(call.body["backup"])))
    name = call.params["instance"]
    if call.service.store.instance(call.project, name) is None:
        return _restore_new(call, checked_name(call.project, name), backup)
    if call.body.get("restoreInstanceSettings"):
        raise invalid(
            f"restoreInstanceSettings are for a new instance, and {name} is there: its own stay."
        )
    return _restore(call, call.ready(), backup)


def _of_run(call: Call, target: Instance) -> Found:
    run_id = int(required(call.body, "restoreBackupContext", "backupRunId"))
    context = call.body["restoreBackupContext"]
    owner_name = str(context.get("instanceId") or target.name).rpartition(":")[2]
    owner_project = str(context.get("project") or call.project)
    owner = call.service.store.instance(owner_project, owner_name)
    run = call.service.store.run(run_id)
    if owner is None or run is None or run.instance != owner.uid:
        raise not_found(f"Backup run {run_id} of {owner_name}")
    return Found(run, owner_project, owner_name)


def _restore(call: Call, target: Instance, backup: Found) -> Body:
    run = backup.run
    replicas.refuse_replica(target)
    replicas.refuse_primary(call, target)
    _check_whole(backup)
    if major_of(run.version) != target.major:
        raise invalid(
            f"backup run {run.id} is of {run.version}, {target.name} is {target.version}."
        )
    _check_disk(backup, target.settings, target.name)
    operation = _operation(call, backup, target)
    return call.answer(call.work.start(call.begin(operation)))


def _restore_new(call: Call, name: str, backup: Found) -> Body:
    _check_whole(backup)
    if call.body.get("restoreInstanceClearOverridesFieldNames"):
        raise unimplemented("instances.restoreBackup with restoreInstanceClearOverridesFieldNames")
    run, overrides = backup.run, call.body.get("restoreInstanceSettings") or {}
    if not run.settings:
        raise invalid(f"backup {run.id} does not know its instance's settings: name an instance.")
    version = str(overrides.get("databaseVersion") or run.version)
    if major_of(version) != major_of(run.version):
        raise invalid(f"backup {run.id} is of {run.version}, and can't become {version}.")
    region = checked_region(str(overrides.get("region") or run.facts["region"]))
    before = dict(run.settings)
    if region != run.facts["region"]:
        before.pop("locationPreference", None)
    target = new_instance(
        call,
        name=name,
        region=region,
        version=version,
        settings=defaults.settings(
            merged(before, overrides.get("settings") or {}), region=region, version=1
        ),
        extra={},
    )
    _check_disk(backup, target.settings, name)
    operation = _operation(call, backup, target)
    operation = replace(operation, facts={**operation.facts, "new": True})
    return call.answer(call.work.start(call.begin(operation, new=target)))


def _operation(call: Call, backup: Found, target: Instance) -> Operation:
    reads_other = (backup.project, backup.instance) != (call.project, target.name)
    return new_operation(
        OperationType.RESTORE_VOLUME,
        call.project,
        target.name,
        # Busy too: its backup must not be deleted meanwhile.
        source=backup.instance if reads_other and backup.project == call.project else None,
        backup_id=backup.run.id,
        facts={
            "uid": target.uid,
            "backup_instance": backup.run.instance,
            "backup_id": backup.run.id,
            "base_id": int(archive.now().timestamp() * 1000),
        },
    )


def _check_whole(backup: Found) -> None:
    if backup.run.status is not RunStatus.SUCCESSFUL:
        raise invalid(f"backup run {backup.run.id} is {backup.run.status} and can't be restored.")


def _check_disk(backup: Found, settings: Body, name: str) -> None:
    """Refuse a disk that is smaller than the one the backup was taken of.

    Backups of an earlier version don't know.
    """
    least_gb, size_gb = disk.size_gb(backup.run.settings), disk.size_gb(settings)
    if backup.run.settings and size_gb < least_gb:
        raise not_valid(
            f"the disk of {name} has {size_gb} GB, the backup was taken of one of {least_gb} GB. "
            "Set dataDiskSizeGb to that or more."
        )
