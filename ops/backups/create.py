"""Takes a backup on demand, and keeps a record of the operation and of the run that it made."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from ops import guard
from ops.backups.asking import carry_out, find_operation, is_recent
from ops.cloudsql import CloudSql, Operation, once
from ops.console import Table, document
from ops.guard import NO_CONSENT, Consent
from ops.invocation import Invocation
from ops.journal import Entry, Journal, unfinished
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
    call records how it ended. A call that is made again because the answer of the first was
    lost goes on with the backup of the first, where that was begun.

    Raises:
        ops.backups.asking.LostAnswerError: the API does not say whether it was begun.
        ops.cloudsql.NoSuchInstanceError: the instance is not provisioned.
        ops.cloudsql.OperationFailedError: the backup failed, with the API's reason.
        ops.guard.NotConfirmedError: production, and the name was not given.
    """
    target, cloud = run.target, run.cloud
    action = f"back up {target.instance}"
    if not guard.permit(target, action, yes=consent.yes, confirm=consent.confirm):
        return Backup(target.instance, "", "", description)
    cloud.instance(target.instance)
    retried = _unanswered(target.store, cloud, target.instance, description)
    settle(target.store, cloud, besides="" if retried is None else retried.journal.run)
    ask: Callable[[], Operation]
    if retried is None:
        journal = Journal(target.store, ROOM, f"{datetime.now(UTC):%y%m%d%H%M%S%f}")
        facts = {"description": description, once.AFTER: once.newest(cloud, target.instance)}
        entry = journal.intend("backup", target.instance, **facts)
        ask = partial(cloud.create_backup, target.instance, description)
    else:
        journal, entry = retried.journal, retried.entry
        ask = retried.operation_as_it_is
        run.progress.line(
            f"The backup asked for at {entry.at}, whose answer was lost, was begun: this goes on "
            "with it. Changes since it was begun are not in it."
        )
    with run.progress.phase(f"Back up {target.instance}"):
        done = carry_out(cloud, journal, entry, ask)
    return _record(target.store, journal, done, description)


@dataclass(frozen=True, slots=True)
class _Unanswered:
    """A backup that was begun, although its maker had no answer."""

    journal: Journal
    entry: Entry
    operation: Operation

    def operation_as_it_is(self) -> Operation:
        """Return the operation: it is not asked for again."""
        return self.operation


def _unanswered(
    store: Store, cloud: CloudSql, instance: str, description: str
) -> _Unanswered | None:
    """Return the backup of a call that was made a moment ago, of which this one is the retry."""
    for journal in unfinished(store, ROOM):
        for entry in journal.entries():
            same = (entry.object, entry.facts.get("description")) == (instance, description)
            if not same or entry.operation or not is_recent(entry):
                continue
            operation = find_operation(cloud, journal, entry, _call(cloud, entry))
            if operation is not None and not operation.errors:
                return _Unanswered(journal, entry, operation)
    return None


def _call(cloud: CloudSql, entry: Entry) -> once.Call:
    return once.backup_call(cloud, entry.object, entry.facts.get("description", ""))


def settle(store: Store, cloud: CloudSql, besides: str = "") -> None:
    """Record the backups whose makers did not see their end; forget those never begun.

    Args:
        store: where their journals are.
        cloud: the Admin API.
        besides: the run that is left alone; empty for none.
    """
    for journal in unfinished(store, ROOM):
        if journal.run == besides:
            continue
        (entry,) = journal.entries()
        operation = find_operation(cloud, journal, entry, _call(cloud, entry))
        if operation is None or operation.errors:
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
