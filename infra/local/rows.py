"""Dataclasses of the model into SQLite's rows and back."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from infra.local.model import (
    BackupRun,
    Base,
    Instance,
    InstanceState,
    KeptBackup,
    Operation,
    OperationError,
    OperationStatus,
    OperationType,
    RunStatus,
)

Cell = str | int | None
Record = Instance | Operation | BackupRun | Base | KeptBackup
R = TypeVar("R", Instance, Operation, BackupRun, Base, KeptBackup)

_TIMES = (
    "created", "inserted", "started", "ended", "enqueued", "usable_from", "deleted", "expires",
)  # fmt: skip
_OBJECTS = ("settings", "extra", "facts")
_READ: Mapping[tuple[type, str], Callable[[str], object]] = {
    (Instance, "state"): InstanceState,
    (Operation, "type"): OperationType,
    (Operation, "status"): OperationStatus,
    (BackupRun, "status"): RunStatus,
}


def written(record: Record) -> dict[str, Cell]:
    """Return a record's columns."""
    return {field.name: _cell(getattr(record, field.name)) for field in fields(record)}


def read(kind: type[R], row: sqlite3.Row) -> R:
    """Return the record that a row holds."""
    return _record(kind, dict(row))


def _record(kind: type[R], cells: Mapping[str, Cell]) -> R:
    values: dict[str, Any] = {name: _value(kind, name, cell) for name, cell in cells.items()}
    return kind(**values)


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, str):
        return str(value)  # a StrEnum's value too
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, OperationError):
        return json.dumps([value.code, value.message])
    if isinstance(value, BackupRun):
        return json.dumps(written(value))
    return json.dumps(value)


def _value(kind: type, name: str, cell: Cell) -> object:
    if cell is None or isinstance(cell, int):
        return cell
    if name in _TIMES:
        return datetime.fromisoformat(cell)
    if name in _OBJECTS:
        return json.loads(cell)
    if name == "run" and kind is KeptBackup:
        return _record(BackupRun, json.loads(cell))
    if name == "error" and kind is Operation:
        return OperationError(*json.loads(cell))
    return _READ.get((kind, name), str)(cell)
