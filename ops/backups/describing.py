"""Tells all of one backup run, and deletes one that is not needed any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ops import durations, guard
from ops.backupruns import AUTOMATED, SUCCESSFUL
from ops.backups.asking import carry_out
from ops.cloudsql import BackupRun, CloudSql
from ops.console import Table
from ops.errors import BadInputError
from ops.guard import Consent
from ops.invocation import Invocation
from ops.journal import Journal
from ops.store import Store

ROOM = "backup-delete"


class NoSuchRunError(BadInputError):
    """An instance has no backup run of that number."""

    def __init__(self, instance: str, backup: str) -> None:
        super().__init__(
            f"Instance {instance} has no backup run {backup!r}. `invoke backup.list` shows them."
        )


class LastBackupError(BadInputError):
    """Without this run there would be nothing to restore."""

    def __init__(self, run: BackupRun) -> None:
        super().__init__(
            f"Backup run {run.id} is the only successful one of {run.instance}. Take another with "
            "`invoke backup.create` first."
        )


@dataclass(frozen=True, slots=True)
class Described:
    """All of one backup run.

    Attributes:
        run: the run.
        now: by the clock that the instance lives by.
        newer: how many successful runs are newer.
        record: what was written down when it was taken with backup.create, if it was.
    """

    run: BackupRun
    now: datetime
    newer: int
    record: str

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        return {"backup": self.run, "newer": self.newer, "record": self.record}

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        run = self.run
        took = None if run.started is None or run.ended is None else run.ended - run.started
        facts: tuple[tuple[str, object], ...] = (
            ("instance", run.instance),
            ("type", run.type),
            ("status", run.status),
            ("error", run.error),
            ("description", run.description),
            ("window (UTC)", _moment(run.window)),
            ("started (UTC)", _moment(run.started)),
            ("ended (UTC)", _moment(run.ended)),
            ("took", "" if took is None else f"{took.total_seconds():.1f} s"),
            ("age", "" if run.ended is None else durations.words(self.now - run.ended)),
            ("kept in", run.location),
            ("kept", _until(run)),
            ("newer successful runs", self.newer),
            ("record", self.record),
        )
        rows = tuple((name, value) for name, value in facts if value != "")
        return (Table(f"Backup run {run.id}", ("", ""), rows),)


@dataclass(frozen=True, slots=True)
class Deleted:
    """A backup run that was deleted.

    Attributes:
        instance: whose it was.
        id: the run's.
        operation: the operation that deleted it.
    """

    instance: str
    id: str
    operation: str

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return (f"Deleted backup run {self.id} of {self.instance}",)


def describe(run: Invocation, backup: str) -> Described:
    """Return all of one backup run.

    Raises:
        ops.cloudsql.NoSuchInstanceError: the instance is not provisioned.
        NoSuchRunError: it has no run of that number.
    """
    target, name = run.target, run.cloud.instance(run.target.instance).name
    backup_run = _find(run.cloud, name, backup)
    runs = run.cloud.backup_runs(name)
    newer = sum(each.status == SUCCESSFUL and int(each.id) > int(backup_run.id) for each in runs)
    return Described(backup_run, target.now(), newer, _record(target.store, backup_run.id))


def delete(run: Invocation, backup: str, consent: Consent) -> Deleted:
    """Delete a backup run and wait until it is gone.

    Raises:
        ops.cloudsql.NoSuchInstanceError: the instance is not provisioned.
        NoSuchRunError: it has no run of that number.
        LastBackupError: it is the only one that could be restored.
        ops.errors.OpsError: it is not approved, see ``ops.guard.approve_removal``.
    """
    target, cloud = run.target, run.cloud
    name = cloud.instance(target.instance).name
    chosen = _find(cloud, name, backup)
    others = [
        other
        for other in cloud.backup_runs(name)
        if other.status == SUCCESSFUL and other.id != chosen.id
    ]
    if chosen.status == SUCCESSFUL and not others:
        raise LastBackupError(chosen)
    action = f"delete backup run {chosen.id} of {name}"
    guard.approve_removal(target, action, consent)
    journal = Journal(target.store, ROOM, chosen.id)
    with run.progress.phase(f"Delete backup run {chosen.id}"):
        entry = journal.intend("delete", name, backup=chosen.id)
        done = carry_out(cloud, journal, entry, partial(cloud.delete_backup, name, chosen.id))
        journal.close()
    return Deleted(name, chosen.id, done.id)


def _find(cloud: CloudSql, instance: str, backup: str) -> BackupRun:
    run = cloud.backup_run(instance, backup) if backup.isdecimal() and len(backup) < 19 else None  # noqa: PLR2004 - an int64
    if run is None:
        raise NoSuchRunError(instance, backup)
    return run


def _record(store: Store, run: str) -> str:
    key = f"backups/{run}.json"
    return "" if store.get(key) is None else store.where(key)


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _until(run: BackupRun) -> str:
    if run.type == AUTOMATED:
        return "until newer automated ones push it out (backupRetained)"
    return "until it is deleted"
