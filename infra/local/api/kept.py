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
    found = _NAME.fullmatch(name)
    if found is None:
        raise invalid(f"backup name {name!r:.80} is not projects/PROJECT/backups/BACKUP.")
    return found[1], int(found[2])


def find(call: Call, project: str, backup_id: int) -> Found:
    """Return a backup of a project.

    Raises:
        ApiError: 404 if there is none.
    """
    for found in _every(call, project):
        if found.run.id == backup_id:
            return found
    raise not_found(f"Backup {backup_id} of {project}")


def get(call: Call) -> Body:
    """Answer Backups.GetBackup."""
    return _resource(_asked(call), call.base)


def every(call: Call) -> Body:
    """Answer Backups.ListBackups: newest first, those that the filter wants."""
    wanted = filters.test(call.query.get("filter") or "")
    shown = [_resource(found, call.base) for found in _every(call, call.project)]
    some, more = page(
        call.query,
        [one for one in shown if wanted(one)],
        key=lambda one: str(one["name"]).rpartition("/")[2],
        after=lambda one, last: int(str(one["name"]).rpartition("/")[2]) < int(last),
    )
    return {**({"backups": some} if some else {}), **more}


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
    found, change = _asked(call), call.body
    named = {one.strip() for one in (call.query.get("updateMask") or "").split(",")} - {""}
    if not named <= _CHANGEABLE:
        odd = ", ".join(sorted(named - _CHANGEABLE))
        raise invalid(f"updateMask: {odd:.80} of a backup can't be changed.")
    expires = expiry(call, change, found.run.enqueued)
    if expires is not None and found.kept is None:
        raise invalid(
            "the expiry of a backup can be changed when its instance is gone, not before."
        )
    run = found.run
    if change.get("description") is not None and (not named or "description" in named):
        run = replace(run, description=str(change["description"]))
    store = call.service.store

    def save() -> None:
        if found.kept is None:
            store.save_run(run)
        else:
            kept = replace(found.kept, run=run, expires=expires or found.kept.expires)
            store.keep_backup(kept)

    operation = new_operation(
        OperationType.UPDATE_BACKUP, found.project, found.instance, backup_id=run.id
    )
    return call.answer(call.inline(operation, save, refused="failed to update the backup"))


def delete(call: Call) -> Body:
    """Answer Backups.DeleteBackup."""
    found = _asked(call)
    operation = call.begin(deleting(found.project, found.instance, found.run))
    return call.answer(call.work.start(operation))


def expiry(call: Call, given: Body, since: datetime) -> datetime | None:
    """Return when a backup ends that a request gives days or a time to, or None.

    Args:
        call: The request.
        given: ``ttlDays`` or ``expiryTime``.
        since: What the longest time is counted from: when the backup is taken.

    Raises:
        ApiError: 400 for both, a time that is over, or more than a year.
    """
    days, time = int(given.get("ttlDays") or 0), given.get("expiryTime")
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


def _asked(call: Call) -> Found:
    text = call.params["backupsId"]
    return find(call, *parse_name(f"projects/{call.project}/backups/{text}"))


def _every(call: Call, project: str) -> Iterator[Found]:
    store = call.service.store
    every = [
        Found(run, project, owner.name)
        for owner in store.instances(project)
        for run in store.runs(owner.uid)
    ]
    # Being moved from one table to the other, a backup is in both for a moment.
    live = {found.run.id for found in every}
    every += [
        Found(kept.run, project, kept.instance, kept)
        for kept in store.kept_backups()
        if kept.project == project and kept.id not in live
    ]
    yield from sorted(every, key=lambda found: found.run.id, reverse=True)


def _resource(found: Found, base: str) -> Body:
    run = found.run
    path = ("projects", found.project, "backups", run.id)
    expires = run.expires if found.kept is None else found.kept.expires
    result: dict[str, Any] = {
        "kind": "sql#backup",
        "name": "/".join(map(str, path)),
        "selfLink": resources.link(base, *path),
        "type": run.type,
        "instance": found.instance,
        "location": run.location,
        "state": run.status.value,
        "backupKind": "SNAPSHOT",
        "databaseVersion": run.version,
        "backupInterval": {"startTime": resources.moment(run.started or run.window)},
        "backupRun": f"projects/{found.project}/instances/{found.instance}/backupRuns/{run.id}",
    }
    if run.status is RunStatus.SUCCESSFUL and run.ended is not None:
        result["backupInterval"]["endTime"] = resources.moment(run.ended)
    if run.description:
        result["description"] = run.description
    if expires is not None:
        result["expiryTime"] = resources.moment(expires)
    if found.kept is not None:
        result["instanceDeletionTime"] = resources.moment(found.kept.deleted)
    if run.settings:
        result["instanceSettings"] = {
            "kind": "sql#instance",
            "name": found.instance,
            "project": found.project,
            "region": run.facts["region"],
            "databaseVersion": run.version,
            "settings": run.settings,
        }
    if run.error is not None:
        error = {"kind": "sql#operationError", "code": "INTERNAL_ERROR", "message": run.error}
        result["error"] = error
    return result
