"""The server's own state in SQLite: instances, operations, backup runs, base backups.

Every write is durable when its call returns: an operation's next step is written down
before it begins, so that a killed server knows where it was.
"""

import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from infra.local import rows, schema
from infra.local.clock import Clock
from infra.local.mark import Mark, MarkFile
from infra.local.model import (
    BackupRun,
    Base,
    Instance,
    KeptBackup,
    Operation,
    OperationStatus,
    RunStatus,
)
from infra.local.reserve import Reserve

_IDENTITY, _SEQUENCE = "identity", "sequence"
_REMOVING = "removing base "


class InProgressError(Exception):
    """Another operation works on the instance."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        super().__init__(f"{operation.type} {operation.name} of {operation.target} is not done.")


class NameTakenError(Exception):
    """An instance of this name exists."""


def spare_of(path: Path) -> Path:
    """Return where the spare copy of a state file is."""
    return path.with_suffix(".spare.sqlite")


class Store:
    """The state of one data folder; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._reserve = Reserve(path.with_suffix(".reserve"))
        self._reserve.fill()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._lock = threading.RLock()
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        schema.prepare(self._connection)
        self._sequence = int(self.note(_SEQUENCE) or 0)
        self._spared = -1
        self._path = path
        self._mark = MarkFile(path.with_suffix(".mark"))
        with self.transaction():
            if self.note(_IDENTITY) is None:
                self.set_note(_IDENTITY, uuid.uuid4().hex)
        self.clock = Clock(self)

    def close(self) -> None:
        """Close the file; its spare copy is then as new as it is."""
        self.keep_spare()
        with self._lock:
            self._connection.close()

    @property
    def mark(self) -> Mark:
        """Which state this is, and how many changes it has seen."""
        return Mark(self.note(_IDENTITY) or "", self._sequence)

    def keep_spare(self) -> None:
        """Copy the state to its spare file where it has changed and the disk has room."""
        with self._lock:
            if self._spared == self._sequence or not self._reserve.path.exists():
                return
            spare = spare_of(self._path)
            draft = spare.with_name(f"{spare.name}.new")
            try:
                draft.unlink(missing_ok=True)
                draft.touch(mode=0o600)
                self._connection.execute("VACUUM INTO ?", (str(draft),))
                with draft.open("rb") as file:
                    os.fsync(file.fileno())
                draft.replace(spare)
            except (OSError, sqlite3.Error):  # a full disk: the next look tries again
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
                return
            self._spared = self._sequence

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the writes within one: all of them are kept, or none."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            changes = self._connection.total_changes
            try:
                yield
                changed = self._connection.total_changes != changes
                if changed:
                    self.set_note(_SEQUENCE, str(self._sequence + 1))
                self._connection.execute("COMMIT")
            except BaseException as error:
                self._roll_back()
                if isinstance(error, sqlite3.OperationalError):
                    self._reserve.spend()  # a full disk: the next try has this space
                raise
            if changed:
                self._sequence += 1
                self._mark.write(self.mark)  # last: the mark is never ahead of the state

    def _roll_back(self) -> None:
        """End a transaction, unless SQLite has ended it already, as on a full disk."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def replenish(self) -> None:
        """Keep space for the state again, where the disk has it: call when work has ended."""
        self._reserve.fill()

    def instances(self, project: str | None = None) -> tuple[Instance, ...]:
        """Return the instances, of one project or all, by name."""
        records = self._rows("SELECT * FROM instances ORDER BY project, name")
        instances = (rows.read(Instance, row) for row in records)
        return tuple(instance for instance in instances if project in (None, instance.project))

    def instance(self, project: str, name: str) -> Instance | None:
        """Return an instance by its name, or None."""
        records = self._rows(
            "SELECT * FROM instances WHERE project = ? AND name = ?", project, name
        )
        return rows.read(Instance, records[0]) if records else None

    def by_uid(self, uid: str) -> Instance | None:
        """Return an instance by its uid, or None."""
        records = self._rows("SELECT * FROM instances WHERE uid = ?", uid)
        return rows.read(Instance, records[0]) if records else None

    def replicas(self, uid: str) -> tuple[Instance, ...]:
        """Return the instances that replicate one, by name."""
        records = self._rows(
            "SELECT * FROM instances WHERE json_extract(facts, '$.primary') = ? ORDER BY name", uid
        )
        return tuple(rows.read(Instance, row) for row in records)

    def add_instance(self, instance: Instance) -> None:
        """Keep a new instance.

        Raises:
            NameTakenError: If the project has one of this name.
        """
        try:
            self._insert("instances", instance)
        except sqlite3.IntegrityError as error:
            raise NameTakenError from error

    def save_instance(self, instance: Instance) -> None:
        """Replace what is kept of an instance."""
        self._update("instances", "uid", instance.uid, instance)

    def remove_instance(self, uid: str) -> None:
        """Forget an instance, its backup runs and its base backups."""
        self._execute("DELETE FROM instances WHERE uid = ?", uid)

    def begin(self, operation: Operation, *, beside_readers: bool = False) -> Operation:
        """Keep a new operation, unless another one works on what it changes or reads.

        Args:
            operation: The operation.
            beside_readers: Let it begin while others read what it changes.

        Returns:
            The operation, asked for at the clock's time.

        Raises:
            InProgressError: Naming the other one.
        """
        with self.transaction():
            for other in self.open_operations():
                if other.project != operation.project:
                    continue
                changed = {name for _, name in other.changes}
                read = set() if beside_readers else {other.source}
                names = {name for _, name in operation.changes}
                if names & (changed | read) or operation.source in changed:
                    raise InProgressError(other)
            stamped = replace(operation, inserted=self.clock.now())
            self._insert("operations", stamped)
            return stamped

    def save_operation(self, operation: Operation) -> None:
        """Replace what is kept of an operation."""
        self._update("operations", "name", operation.name, operation)

    def operation(self, project: str, name: str) -> Operation | None:
        """Return an operation by its id, or None."""
        records = self._rows(
            "SELECT * FROM operations WHERE project = ? AND name = ?", project, name
        )
        return rows.read(Operation, records[0]) if records else None

    def operations(
        self,
        project: str,
        target: str | None = None,
        *,
        before: str | None = None,
        limit: int = -1,
    ) -> tuple[Operation, ...]:
        """Return the operations of a project, newest first.

        Args:
            project: The project.
            target: The instance they work on; None for all.
            before: Id of an operation; those older than it alone.
            limit: The most that are returned; -1 for all.
        """
        records = self._rows(
            "SELECT * FROM operations WHERE project = ? AND (?2 IS NULL OR target = ?2)"
            " AND (?3 IS NULL OR rowid < (SELECT rowid FROM operations WHERE name = ?3))"
            " ORDER BY rowid DESC LIMIT ?4",
            project,
            target,
            before,
            limit,
        )
        return tuple(rows.read(Operation, row) for row in records)

    def open_operations(self) -> tuple[Operation, ...]:
        """Return the operations that are not done, oldest first."""
        records = self._rows(
            "SELECT * FROM operations WHERE status <> ? ORDER BY rowid", OperationStatus.DONE
        )
        return tuple(rows.read(Operation, row) for row in records)

    def note(self, name: str) -> str | None:
        """Return what was noted under a name, or None."""
        records = self._rows("SELECT text FROM notes WHERE name = ?", name)
        return str(records[0]["text"]) if records else None

    def set_note(self, name: str, text: str) -> None:
        """Note something that outlives the server's process."""
        self._execute(
            "INSERT INTO notes VALUES (?, ?) ON CONFLICT DO UPDATE SET text = excluded.text",
            name,
            text,
        )

    def next_run_id(self, least: int) -> int:
        """Return an id for a backup run: the wanted one, or the next that is free."""
        records = self._rows(
            "SELECT max(id) AS id FROM"
            " (SELECT id FROM backup_runs UNION ALL SELECT id FROM kept_backups)"
        )
        return max(least, (records[0]["id"] or 0) + 1)

    def add_run(self, run: BackupRun) -> None:
        """Keep a new backup run."""
        self._insert("backup_runs", run)

    def save_run(self, run: BackupRun) -> None:
        """Replace what is kept of a backup run."""
        self._update("backup_runs", "id", run.id, run)

    def remove_run(self, run_id: int, *, leave_base: bool = False) -> None:
        """Forget a backup run, and its base backup unless that stays as the server's own."""
        with self.transaction():
            if leave_base:
                self._execute("UPDATE bases SET run = NULL WHERE run = ?", run_id)
            self._execute("DELETE FROM bases WHERE run = ? AND id = run", run_id)
            self._execute("DELETE FROM backup_runs WHERE id = ?", run_id)

    def run(self, run_id: int) -> BackupRun | None:
        """Return a backup run by its id, or None."""
        records = self._rows("SELECT * FROM backup_runs WHERE id = ?", run_id)
        return rows.read(BackupRun, records[0]) if records else None

    def runs(self, instance: str) -> tuple[BackupRun, ...]:
        """Return an instance's backup runs, newest first."""
        records = self._rows(
            "SELECT * FROM backup_runs WHERE instance = ? ORDER BY id DESC", instance
        )
        return tuple(rows.read(BackupRun, row) for row in records)

    def successful_runs(self, instance: str) -> tuple[BackupRun, ...]:
        """Return an instance's backup runs that can be restored, newest first."""
        return tuple(run for run in self.runs(instance) if run.status is RunStatus.SUCCESSFUL)

    def keep_backup(self, backup: KeptBackup) -> None:
        """Keep what outlives its instance, or replace what is kept of it."""
        with self.transaction():
            self.forget_backup(backup.id)
            self._insert("kept_backups", backup)

    def forget_backup(self, backup_id: int) -> None:
        """Forget a backup that outlived its instance."""
        self._execute("DELETE FROM kept_backups WHERE id = ?", backup_id)

    def kept_backup(self, backup_id: int) -> KeptBackup | None:
        """Return a backup that outlived its instance, or None."""
        records = self._rows("SELECT * FROM kept_backups WHERE id = ?", backup_id)
        return rows.read(KeptBackup, records[0]) if records else None

    def kept_backups(self) -> tuple[KeptBackup, ...]:
        """Return all that outlived their instances, newest first."""
        records = self._rows("SELECT * FROM kept_backups ORDER BY id DESC")
        return tuple(rows.read(KeptBackup, row) for row in records)

    def add_base(self, base: Base) -> None:
        """Keep a base backup."""
        self._insert("bases", base)

    def remove_base(self, base: Base) -> None:
        """Forget a base backup, and note that its files are to be removed."""
        with self.transaction():
            self._execute("DELETE FROM bases WHERE instance = ? AND id = ?", base.instance, base.id)
            self.set_note(f"{_REMOVING}{base.instance}/{base.id}", "")

    def removed_bases(self) -> tuple[tuple[str, int], ...]:
        """Return instance and id of the base backups whose files are to be removed."""
        notes = self._rows("SELECT name FROM notes WHERE name LIKE ? || '%'", _REMOVING)
        parts = (str(row["name"]).removeprefix(_REMOVING).rpartition("/") for row in notes)
        return tuple((instance, int(base_id)) for instance, _, base_id in parts)

    def forget_removed(self, instance: str, base_id: int) -> None:
        """Note that the files of a base backup are gone."""
        self._execute("DELETE FROM notes WHERE name = ?", f"{_REMOVING}{instance}/{base_id}")

    def bases(self, instance: str) -> tuple[Base, ...]:
        """Return an instance's base backups, newest first."""
        records = self._rows(
            "SELECT * FROM bases WHERE instance = ? ORDER BY usable_from DESC", instance
        )
        return tuple(rows.read(Base, row) for row in records)

    def _insert(self, table: str, value: rows.Record) -> None:
        record = rows.written(value)
        names, marks = ", ".join(record), ", ".join("?" * len(record))
        self._execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", *record.values())  # noqa: S608 - both are names of our own

    def _update(self, table: str, key: str, identifier: str | int, value: rows.Record) -> None:
        record = rows.written(value)
        sets = ", ".join(f"{name} = ?" for name in record)
        self._execute(f"UPDATE {table} SET {sets} WHERE {key} = ?", *record.values(), identifier)  # noqa: S608 - as above

    def _execute(self, statement: str, *values: rows.Cell) -> None:
        with self.transaction():
            self._connection.execute(statement, values)

    def _rows(self, statement: str, *values: rows.Cell) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()
