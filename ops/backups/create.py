"""Takes a backup on demand, and keeps a record of the operation and of the run that it made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from ops import guard
from ops.backups.asking import carry_out
from ops.cloudsql import CloudSql, Operation
from ops.console import Table, document
from ops.guard import NO_CONSENT, Consent
from ops.invocation import Invocation
from ops.journal import Journal, unfinished
from ops.store import Store

ROOM = "backup"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was taken.

    Attributes:
        instance: whose it is.
        id: the backup run's; empty where it was only planned.
        operation: the operation that made it.
        description: its maker's words.
        started, ended: by the operation's own times.
        seconds: how long it took.
    """

    instance: str
    id: str
    operation: str
    description: str
    started: datetime | None = None
    ended: datetime | None = None
    seconds: float | None = None

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        if not self.id:
            dry = f"Would back up {self.instance}. It is production: nothing was done."
            return (f"{dry} Add --yes --confirm {self.instance}",)
        took = "" if self.seconds is None else f" in {self.seconds:.1f} s"
        return (f"Backed up {self.instance}{took}: run {self.id} (operation {self.operation})",)


def create(run: Invocation, description: str, consent: Consent = NO_CONSENT) -> Backup:
    """Take a backup of the stack's instance and wait until it is done.

    A wait that was cut short, by Ctrl-C for one, leaves the operation running; the next
    call records how it ended.

    Raises:
        ops.cloudsql.NoSuchInstanceError: the instance is not provisioned.
        ops.cloudsql.OperationFailedError: the backup failed, with the API's reason.
        ops.guard.NotConfirmedError: production, and the name was not given.
    """
    target, cloud = run.target, run.cloud
    action = f"back up {target.instance}"
    if not guard.permit(target, action, yes=consent.yes, confirm=consent.confirm):
        return Backup(target.instance, "", "", description)
    cloud.instance(target.instance)
    settle(target.store, cloud)
    journal = Journal(target.store, ROOM, f"{datetime.now(UTC):%y%m%d%H%M%S%f}")
    with run.progress.phase(f"Back up {target.instance}"):
        entry = journal.intend("backup", target.instance, description=description)
        ask = partial(cloud.create_backup, target.instance, description)
        done = carry_out(cloud, journal, entry, ask)
    return _record(target.store, journal, done, description)


def settle(store: Store, cloud: CloudSql) -> None:
    """Record the backups whose makers did not wait for their end; forget those never begun."""
    for journal in unfinished(store, ROOM):
        (entry,) = journal.entries()
        if not entry.operation:
            journal.close()
            continue
        operation = cloud.operation(entry.operation)
        if operation.errors:
            journal.close()
        elif operation.status == "DONE":
            _record(store, journal, operation, entry.facts.get("description", ""))


def _record(store: Store, journal: Journal, done: Operation, description: str) -> Backup:
    backup = Backup(
        instance=done.instance,
        id=done.backup_id,
        operation=done.id,
        description=description,
        started=done.started,
        ended=done.ended,
        seconds=done.seconds,
    )
    facts = document(backup)
    assert isinstance(facts, Mapping)  # noqa: S101 - of a dataclass
    store.put(f"backups/{done.backup_id}.json", json.dumps(facts, indent=2).encode())
    journal.close()
    return backup
