"""backupRuns: insert, get, list, delete."""

import re

from infra.local.api import replicas, resources
from infra.local.api.call import Call
from infra.local.api.errors import not_found
from infra.local.api.paging import page
from infra.local.api.places import backup_location
from infra.local.model import BackupRun, Body, Instance, OperationType, RunStatus
from infra.local.work import new_operation

_RUN_ID = re.compile(r"[0-9]{1,18}")


def insert(call: Call) -> Body:
    """Answer backupRuns.insert."""
    owner = call.ready()
    replicas.refuse_replica(owner)
    store = call.service.store
    enqueued = call.service.clock.now()
    with store.transaction():
        run = BackupRun(
            id=store.next_run_id(int(enqueued.timestamp() * 1000)),
            instance=owner.uid,
            status=RunStatus.ENQUEUED,
            type="ON_DEMAND",
            description=str(call.body.get("description") or ""),
            version=owner.version,
            location=_location(call.body, owner),
            enqueued=enqueued,
        )
        operation = new_operation(
            OperationType.BACKUP_VOLUME,
            call.project,
            owner.name,
            backup_id=run.id,
            facts={"uid": owner.uid},
        )
        call.begin(operation, also=lambda: store.add_run(run))
    return call.answer(call.work.start(operation))


def get(call: Call) -> Body:
    """Answer backupRuns.get."""
    return resources.backup_run(_found(call), call.instance(), call.base)


def every(call: Call) -> Body:
    """Answer backupRuns.list, newest first."""
    owner = call.instance()
    shown, more = page(
        call.query,
        call.service.store.runs(owner.uid),
        key=lambda run: str(run.id),
        after=lambda run, last: run.id < int(last),
    )
    items = [resources.backup_run(run, owner, call.base) for run in shown]
    return {"kind": "sql#backupRunsList", **({"items": items} if items else {}), **more}


def delete(call: Call) -> Body:
    """Answer backupRuns.delete."""
    run = _found(call)
    operation = new_operation(
        OperationType.DELETE_BACKUP,
        call.project,
        call.instance().name,
        backup_id=run.id,
        facts={"uid": run.instance},
    )
    call.begin(operation)
    return call.answer(call.work.start(operation))


def _location(body: Body, owner: Instance) -> str:
    configured = owner.settings["backupConfiguration"].get("location")
    return str(body.get("location") or configured or backup_location(owner.region))


def _found(call: Call) -> BackupRun:
    owner = call.instance()
    text = call.params["id"]
    run = call.service.store.run(int(text)) if _RUN_ID.fullmatch(text) else None
    if run is None or run.instance != owner.uid:
        raise not_found(f"Backup run {text:.40} of {owner.name}")
    return run
