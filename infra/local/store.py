"""The server's own state in SQLite: instances, operations, backup runs, base backups.

Every write is durable when its call returns: an operation's next step is written down
before it begins, so that a killed server knows where it was.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from infra.local import rows
from infra.local.clock import Clock
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

_SCHEMA = """
CREATE TABLE IF NOT EXISTS instances (
    uid TEXT PRIMARY KEY, project TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
    version TEXT NOT NULL, region TEXT NOT NULL, settings TEXT NOT NULL, address TEXT NOT NULL,
    era INTEGER NOT NULL, created TEXT NOT NULL, extra TEXT NOT NULL,
    facts TEXT NOT NULL DEFAULT '{}',
    UNIQUE (project, name)) STRICT;
CREATE TABLE IF NOT EXISTS operations (
    name TEXT PRIMARY KEY, type TEXT NOT NULL, project TEXT NOT NULL, target TEXT NOT NULL,
    status TEXT NOT NULL, inserted TEXT NOT NULL, source TEXT, started TEXT, ended TEXT,
    error TEXT, backup_id INTEGER, step TEXT NOT NULL, facts TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS open_operations ON operations (project, target)
    WHERE status <> 'DONE';
CREATE TABLE IF NOT EXISTS backup_runs (
    id INTEGER PRIMARY KEY, instance TEXT NOT NULL REFERENCES instances ON DELETE CASCADE,
    status TEXT NOT NULL, type TEXT NOT NULL, description TEXT NOT NULL, version TEXT NOT NULL,
    location TEXT NOT NULL, enqueued TEXT NOT NULL, started TEXT, ended TEXT, error TEXT) STRICT;
CREATE TABLE IF NOT EXISTS bases (
    id INTEGER NOT NULL, instance TEXT NOT NULL REFERENCES instances ON DELETE CASCADE,
    era INTEGER NOT NULL, usable_from TEXT NOT NULL, run INTEGER,
    PRIMARY KEY (instance, id)) STRICT;
CREATE TABLE IF NOT EXISTS kept_backups (
    id INTEGER PRIMARY KEY, project TEXT NOT NULL, instance TEXT NOT NULL, deleted TEXT NOT NULL,
    expires TEXT, run TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
"""
_REPLICAS = "CREATE INDEX IF NOT EXISTS replicas ON instances (json_extract(facts, '$.primary'))"
# Columns that came later, for folders of an earlier version.
_ADDED = (
    ("instances", "facts", "TEXT NOT NULL DEFAULT '{}'"),
    ("backup_runs", "expires", "TEXT"),
    ("backup_runs", "facts", "TEXT NOT NULL DEFAULT '{}'"),
)


class InProgressError(Exception):
    """Another operation works on the instance."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        super().__init__(f"{operation.type} {operation.name} of {operation.target} is not done.")


class NameTakenError(Exception):
    """An instance of this name exists."""


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
        self._connection.executescript(_SCHEMA)
        for table, column, kind in _ADDED:
            if not self._rows("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", table, column):
                self._execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
        self._execute(_REPLICAS)  # behind the column that it is about
        self.clock = Clock(self)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the writes within one: all of them are kept, or none."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException as error:
                self._roll_back()
                if isinstance(error, sqlite3.OperationalError):
                    self._reserve.spend()  # a full disk: the next try has this space
                raise

    def _roll_back(self) -> None:
        """End a transaction, unless SQLite has ended it already, as on a full disk."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def replenish(self) -> None:
        """Keep space for the state again, where the disk has it: call when work has ended."""
        self._reserve.fill()

    def instances(self, project: str | None = None) -> tuple[Instance, ...]:
        """Return the instances, of one project or all, by name."""
        found = self._rows("SELECT * FROM instances ORDER BY project, name")
        every = (rows.read(Instance, row) for row in found)
        return tuple(one for one in every if project in (None, one.project))

    def instance(self, project: str, name: str) -> Instance | None:
        """Return an instance by its name, or None."""
        found = self._rows("SELECT * FROM instances WHERE project = ? AND name = ?", project, name)
        return rows.read(Instance, found[0]) if found else None

    def by_uid(self, uid: str) -> Instance | None:
        """Return an instance by its uid, or None."""
        found = self._rows("SELECT * FROM instances WHERE uid = ?", uid)
        return rows.read(Instance, found[0]) if found else None

    def replicas(self, uid: str) -> tuple[Instance, ...]:
        """Return the instances that replicate one, by name."""
        found = self._rows(
            "SELECT * FROM instances WHERE json_extract(facts, '$.primary') = ? ORDER BY name", uid
        )
        return tuple(rows.read(Instance, row) for row in found)

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
                wanted = {name for _, name in operation.changes}
                if wanted & (changed | read) or operation.source in changed:
                    raise InProgressError(other)
            kept = replace(operation, inserted=self.clock.now())
            self._insert("operations", kept)
            return kept

    def save_operation(self, operation: Operation) -> None:
        """Replace what is kept of an operation."""
        self._update("operations", "name", operation.name, operation)

    def operation(self, project: str, name: str) -> Operation | None:
        """Return an operation by its id, or None."""
        found = self._rows("SELECT * FROM operations WHERE project = ? AND name = ?", project, name)
        return rows.read(Operation, found[0]) if found else None

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
        found = self._rows(
            "SELECT * FROM operations WHERE project = ? AND (?2 IS NULL OR target = ?2)"
            " AND (?3 IS NULL OR rowid < (SELECT rowid FROM operations WHERE name = ?3))"
            " ORDER BY rowid DESC LIMIT ?4",
            project,
            target,
            before,
            limit,
        )
        return tuple(rows.read(Operation, row) for row in found)

    def open_operations(self) -> tuple[Operation, ...]:
        """Return the operations that are not done, oldest first."""
        found = self._rows(
            "SELECT * FROM operations WHERE status <> ? ORDER BY rowid", OperationStatus.DONE
        )
        return tuple(rows.read(Operation, row) for row in found)

    def note(self, name: str) -> str | None:
        """Return what was noted under a name, or None."""
        found = self._rows("SELECT text FROM notes WHERE name = ?", name)
        return str(found[0]["text"]) if found else None

    def set_note(self, name: str, text: str) -> None:
        """Note something that outlives the server's process."""
        self._execute(
            "INSERT INTO notes VALUES (?, ?) ON CONFLICT DO UPDATE SET text = excluded.text",
            name,
            text,
        )

    def next_run_id(self, wanted: int) -> int:
        """Return an id for a backup run: the wanted one, or the next that is free."""
        found = self._rows(
            "SELECT max(id) AS id FROM"
            " (SELECT id FROM backup_runs UNION ALL SELECT id FROM kept_backups)"
        )
        return max(wanted, (found[0]["id"] or 0) + 1)

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
        found = self._rows("SELECT * FROM backup_runs WHERE id = ?", run_id)
        return rows.read(BackupRun, found[0]) if found else None

    def runs(self, instance: str) -> tuple[BackupRun, ...]:
        """Return an instance's backup runs, newest first."""
        found = self._rows(
            "SELECT * FROM backup_runs WHERE instance = ? ORDER BY id DESC", instance
        )
        return tuple(rows.read(BackupRun, row) for row in found)

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
        found = self._rows("SELECT * FROM kept_backups WHERE id = ?", backup_id)
        return rows.read(KeptBackup, found[0]) if found else None

    def kept_backups(self) -> tuple[KeptBackup, ...]:
        """Return all that outlived their instances, newest first."""
        found = self._rows("SELECT * FROM kept_backups ORDER BY id DESC")
        return tuple(rows.read(KeptBackup, row) for row in found)

    def add_base(self, base: Base) -> None:
        """Keep a base backup."""
        self._insert("bases", base)

    def remove_base(self, base: Base) -> None:
        """Forget a base backup."""
        self._execute("DELETE FROM bases WHERE instance = ? AND id = ?", base.instance, base.id)

    def bases(self, instance: str) -> tuple[Base, ...]:
        """Return an instance's base backups, newest first."""
        found = self._rows(
            "SELECT * FROM bases WHERE instance = ? ORDER BY usable_from DESC", instance
        )
        return tuple(rows.read(Base, row) for row in found)

    def _insert(self, table: str, value: rows.Record) -> None:
        record = rows.written(value)
        names, marks = ", ".join(record), ", ".join("?" * len(record))
        self._execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", *record.values())  # noqa: S608 - both are names of our own

    def _update(self, table: str, key: str, found: str | int, value: rows.Record) -> None:
        record = rows.written(value)
        sets = ", ".join(f"{name} = ?" for name in record)
        self._execute(f"UPDATE {table} SET {sets} WHERE {key} = ?", *record.values(), found)  # noqa: S608 - as above

    def _execute(self, statement: str, *values: rows.Cell) -> None:
        with self.transaction():
            self._connection.execute(statement, values)

    def _rows(self, statement: str, *values: rows.Cell) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()
