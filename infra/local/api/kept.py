"""Backups by the project: those of instances that are there and of those that are gone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from infra.local.api import backups, filters, resources
from infra.local.api.body import required
from infra.local.api.call import Call
from infra.local.api.errors import invalid, not_found
from infra.local.api.paging import page
from infra.local.model import (
    BackupRun,
    Body,
    KeptBackup,
    OperationType,
    RunStatus,
)
from infra.local.runs import deleting
from infra.local.work import new_operation

_NAME = re.compile(r"projects/([^/]+)/backups/([0-9]{1,18})")
_CHANGEABLE = {"description", "ttlDays", "ttl_days", "expiryTime", "expiry_time"}
LIMIT_DAYS = 365


@dataclass(frozen=True, slots=True)
class Found:
    """A backup, wherever it lies.

    Attributes:
        run: The backup run.
        project: The project.
        instance: Name of its instance, which may be gone.
        kept: What is known of one whose instance is gone; else None.
    """

    run: BackupRun
    project: str
    instance: str
    kept: KeptBackup | None = None


def parse_name(name: str) -> tuple[str, int]:
    """Return a backup's project and id.

    Raises:
        ApiError: 400 for another name.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise invalid(f"backup name {name!r:.80} is not projects/PROJECT/backups/BACKUP.")
    return match[1], int(match[2])


def find(call: Call, project: str, backup_id: int) -> Found:
    """Return a backup of a project.

    Raises:
        ApiError: 404 if there is none.
    """
    for backup in _backups(call, project):
        if backup.run.id == backup_id:
            return backup
    raise not_found(f"Backup {backup_id} of {project}")


def get(call: Call) -> Body:
    """Answer Backups.GetBackup."""
    return _resource(_backup(call), call.base)


def list_all(call: Call) -> Body:
    """Answer Backups.ListBackups: newest first, those that the filter wants."""
    test = filters.test(call.query.get("filter") or "")
    listed = [_resource(backup, call.base) for backup in _backups(call, call.project)]
    items, more = page(
        call.query,
        [resource for resource in listed if test(resource)],
        key=lambda resource: str(resource["name"]).rpartition("/")[2],
        after=lambda resource, last: int(str(resource["name"]).rpartition("/")[2]) < int(last),
    )
    return {**({"backups": items} if items else {}), **more}


def create(call: Call) -> Body:
    """Answer Backups.CreateBackup: an on-demand backup of the named instance."""
    name = required(call.body, "instance").rpartition("/")[2]
    owner = replace_call(call, name).ready()
    return backups.take(call, owner, expires=expiry(call, call.body, call.service.clock.now()))


def replace_call(call: Call, instance: str) -> Call:
    """Return a call as if the instance stood in its path."""
    return replace(call, params={**call.params, "instance": instance})


def update(call: Call) -> Body:
    """Answer Backups.UpdateBackup: the description, and when one that is kept ends."""
    backup, change = _backup(call), call.body
    named = {name.strip() for name in (call.query.get("updateMask") or "").split(",")} - {""}
    if not named <= _CHANGEABLE:
        odd = ", ".join(sorted(named - _CHANGEABLE))
        raise invalid(f"updateMask: {odd:.80} of a backup can't be changed.")
    expires = expiry(call, change, backup.run.enqueued)
    if expires is not None and backup.kept is None:
        raise invalid(
            "the expiry of a backup can be changed when its instance is gone, not before."
        )
    run = backup.run
    if change.get("description") is not None and (not named or "description" in named):
        run = replace(run, description=str(change["description"]))
    store = call.service.store

    def save() -> None:
        if backup.kept is None:
            store.save_run(run)
        else:
            kept_backup = replace(backup.kept, run=run, expires=expires or backup.kept.expires)
            store.keep_backup(kept_backup)

    operation = new_operation(
        OperationType.UPDATE_BACKUP, backup.project, backup.instance, backup_id=run.id
    )
    return call.answer(call.inline(operation, save, refused="failed to update the backup"))


def delete(call: Call) -> Body:
    """Answer Backups.DeleteBackup."""
    backup = _backup(call)
    operation = call.begin(deleting(backup.project, backup.instance, backup.run))
    return call.answer(call.work.start(operation))


def expiry(call: Call, body: Body, since: datetime) -> datetime | None:
    """Return when a backup ends that a request gives days or a time to, or None.

    Args:
        call: The request.
        body: ``ttlDays`` or ``expiryTime``.
        since: What the longest time is counted from: when the backup is taken.

    Raises:
        ApiError: 400 for both, a time that is over, or more than a year.
    """
    days, time = int(body.get("ttlDays") or 0), body.get("expiryTime")
    if days and time:
        raise invalid("give either ttlDays or expiryTime.")
    if not days and not time:
        return None
    now = call.service.clock.now()
    if not 0 <= days <= LIMIT_DAYS:
        raise invalid(f"ttlDays {days} is not between 1 and {LIMIT_DAYS}.")
    ends = datetime.fromisoformat(str(time)) if time else now + timedelta(days=days)
    if not now < ends <= since + timedelta(days=LIMIT_DAYS, minutes=1):
        raise invalid(
            f"a backup ends in the future, at most {LIMIT_DAYS} days after it was taken: "
            f"{resources.moment(ends)} is not such a time."
        )
    return ends


def _backup(call: Call) -> Found:
    text = call.params["backupsId"]
    return find(call, *parse_name(f"projects/{call.project}/backups/{text}"))


def _backups(call: Call, project: str) -> Iterator[Found]:
    store = call.service.store
    backups = [
        Found(run, project, owner.name)
        for owner in store.instances(project)
        for run in store.runs(owner.uid)
    ]
    # Being moved from one table to the other, a backup is in both for a moment.
    live = {backup.run.id for backup in backups}
    backups += [
        Found(kept_backup.run, project, kept_backup.instance, kept_backup)
        for kept_backup in store.kept_backups()
        if kept_backup.project == project and kept_backup.id not in live
    ]
    yield from sorted(backups, key=lambda backup: backup.run.id, reverse=True)


def _resource(backup: Found, base: str) -> Body:
    run = backup.run
    path = ("projects", backup.project, "backups", run.id)
    expires = run.expires if backup.kept is None else backup.kept.expires
    result: dict[str, Any] = {
        "kind": "sql#backup",
        "name": "/".join(map(str, path)),
        "selfLink": resources.link(base, *path),
        "type": run.type,
        "instance": backup.instance,
        "location": run.location,
        "state": run.status.value,
        "backupKind": "SNAPSHOT",
        "databaseVersion": run.version,
        "backupInterval": {"startTime": resources.moment(run.started or run.window)},
        "backupRun": f"projects/{backup.project}/instances/{backup.instance}/backupRuns/{run.id}",
    }
    if run.status is RunStatus.SUCCESSFUL and run.ended is not None:
        result["backupInterval"]["endTime"] = resources.moment(run.ended)
    if run.description:
        result["description"] = run.description
    if expires is not None:
        result["expiryTime"] = resources.moment(expires)
    if backup.kept is not None:
        result["instanceDeletionTime"] = resources.moment(backup.kept.deleted)
    if run.settings:
        result["instanceSettings"] = {
            "kind": "sql#instance",
            "name": backup.instance,
            "project": backup.project,
            "region": run.facts["region"],
            "databaseVersion": run.version,
            "settings": run.settings,
        }
    if run.error is not None:
        error = {"kind": "sql#operationError", "code": "INTERNAL_ERROR", "message": run.error}
        result["error"] = error
    return result
