"""backupRuns: insert, get, list, delete."""

import re
from datetime import datetime

from infra.local import schedule
from infra.local.api import replicas, resources
from infra.local.api.call import Call
from infra.local.api.errors import not_found
from infra.local.api.paging import page
from infra.local.model import BackupRun, Body, Instance
from infra.local.runs import deleting, new_run, taking

_RUN_ID = re.compile(r"[0-9]{1,18}")


def insert(call: Call) -> Body:
    """Answer backupRuns.insert."""
    return take(call, call.ready())


def take(call: Call, owner: Instance, *, expires: datetime | None = None) -> Body:
    """Begin an on-demand backup of an instance, as the body describes it.

    Raises:
        ApiError: 400 for a replica.
    """
    replicas.refuse_replica(owner)
    store = call.service.store
    with store.transaction():
        run = new_run(
            store,
            owner,
            schedule.ON_DEMAND,
            description=str(call.body.get("description") or ""),
            location=str(call.body.get("location") or ""),
            expires=expires,
        )
        operation = call.begin(taking(owner, run), also=lambda: store.add_run(run))
    return call.answer(call.work.start(operation))


def get(call: Call) -> Body:
    """Answer backupRuns.get."""
    return resources.backup_run(_run(call), call.instance(), call.base)


def list_all(call: Call) -> Body:
    """Answer backupRuns.list, newest first."""
    owner = call.instance()
    runs, more = page(
        call.query,
        call.service.store.runs(owner.uid),
        key=lambda run: str(run.id),
        after=lambda run, last: run.id < int(last),
    )
    items = [resources.backup_run(run, owner, call.base) for run in runs]
    return {"kind": "sql#backupRunsList", **({"items": items} if items else {}), **more}


def delete(call: Call) -> Body:
    """Answer backupRuns.delete."""
    run = _run(call)
    operation = call.begin(deleting(call.project, call.instance().name, run))
    return call.answer(call.work.start(operation))


def _run(call: Call) -> BackupRun:
    owner = call.instance()
    text = call.params["id"]
    run = call.service.store.run(int(text)) if _RUN_ID.fullmatch(text) else None
    if run is None or run.instance != owner.uid:
        raise not_found(f"Backup run {text:.40} of {owner.name}")
    return run
