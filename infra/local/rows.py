"""Dataclasses of the model into SQLite's rows and back."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from infra.local.model import (
    BackupRun,
    Base,
    Instance,
    InstanceState,
    Operation,
    OperationError,
    OperationStatus,
    OperationType,
    RunStatus,
)

Cell = str | int | None
Record = Instance | Operation | BackupRun | Base
R = TypeVar("R", Instance, Operation, BackupRun, Base)

_TIMES = ("created", "inserted", "started", "ended", "enqueued", "usable_from")
_OBJECTS = ("settings", "extra", "facts")
_READ: Mapping[tuple[type, str], Callable[[str], object]] = {
    (Instance, "state"): InstanceState,
    (Operation, "type"): OperationType,
    (Operation, "status"): OperationStatus,
    (BackupRun, "status"): RunStatus,
}


def written(record: Record) -> dict[str, Cell]:
    """Return a record's columns."""
    return {one.name: _cell(getattr(record, one.name)) for one in fields(record)}


def read(kind: type[R], row: sqlite3.Row) -> R:
    """Return the record that a row holds."""
    values: dict[str, Any] = {name: _value(kind, name, row[name]) for name in row.keys()}  # noqa: SIM118 - a Row iterates over its values
    return kind(**values)


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, OperationError):
        return json.dumps([value.code, value.message])
    return json.dumps(value)


def _value(kind: type, name: str, cell: Cell) -> object:
    if cell is None or isinstance(cell, int):
        return cell
    if name in _TIMES:
        return datetime.fromisoformat(cell)
    if name in _OBJECTS:
        return json.loads(cell)
    if name == "error" and kind is Operation:
        return OperationError(*json.loads(cell))
    return _READ.get((kind, name), str)(cell)
