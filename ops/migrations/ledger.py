"""The database's own record of its migrations: ``ops.schema_migrations`` and its steps.

A row is written in the transaction of the change that it records. Steps outside of
transactions are noted before and after: what was begun and not finished, the catalog
tells (see recovery.py).
"""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row, scalar_row

from ops import sql
from ops.db import Connection, statement
from ops.migrations import rights
from ops.migrations.answers import StepKey
from ops.migrations.files import Migration
from ops.migrations.steps import Direction, Step

SCHEMA = "ops"  # of the ledger; sql/migrate/ledger.sql makes it


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that the database has.

    Attributes:
        version: its number.
        name: its name.
        checksum: of its up section.
        applied_at: when.
        applied_by: by which role.
        duration_ms: how long it took.
        down_checksum: of its down section, empty where it had none; None where an older
            program applied it.
    """

    version: str
    name: str
    checksum: str
    applied_at: datetime
    applied_by: str
    duration_ms: int
    down_checksum: str | None = None


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of a migration that takes more than one transaction.

    Attributes:
        version: the migration's.
        direction: which section.
        step: its number, from 1.
        checksum: of its statements, as they were run.
        finished: whether it is done.
        started_at: when it was begun.
        once: whether it commits by itself, and so must not be repeated unasked.
        statement: the beginning of such a statement.
    """

    version: str
    direction: Direction
    step: int
    checksum: str
    finished: bool
    started_at: datetime | None = None
    once: bool = False
    statement: str = ""

    @property
    def key(self) -> StepKey:
        """Return what an answer names it by."""
        return int(self.version), self.step


@dataclass(frozen=True, slots=True)
class State:
    """What the ledger says: migrations in the order of their application, and steps."""

    applied: tuple[Applied, ...] = ()
    steps: tuple[StepRow, ...] = ()


def read(connection: Connection) -> State:
    """Return what the ledger says, nothing where there is none yet; raises LedgerHiddenError."""
    rights.refuse_hidden(connection)
    if not _exists(connection):
        return State()
    with connection.cursor(row_factory=class_row(Applied)) as cursor:
        applied = tuple(cursor.execute(statement(sql.load("migrate/applied"))))
    rows = connection.execute(statement(sql.load("migrate/steps")))
    steps = tuple(StepRow(row[0], Direction(row[1]), *row[2:]) for row in rows)
    return State(applied, steps)


def ensure(connection: Connection, *, make: bool = True) -> None:
    """Complete the ledger; asks for no privilege where it is complete.

    Args:
        connection: of the schema's owner.
        make: also make one where there is none.
    """
    if _true(connection, "ledger_complete"):
        return
    exists = _exists(connection)
    if exists or make:
        with connection.transaction():
            connection.execute(
                statement(sql.load("migrate/ledger_columns" if exists else "migrate/ledger"))
            )


def begin_step(connection: Connection, step: Step) -> None:
    """Note that a step outside of transactions is about to run."""
    connection.execute(statement(sql.load("migrate/begin_step")), _step(step))


def begin_once(connection: Connection, step: Step) -> None:
    """Note that a statement which commits by itself is about to run; replaces no such note."""
    values = {**_step(step), "statement": step.statements[0].summary}
    connection.execute(statement(sql.load("migrate/begin_once")), values)


def forget_begun(connection: Connection, row: StepRow) -> None:
    """Forget that a step was begun: somebody decided that it runs again."""
    values = {"version": row.version, "direction": row.direction, "step": row.step}
    connection.execute(statement(sql.load("migrate/forget_begun")), values)


def forget_step(connection: Connection, step: Step) -> None:
    """Forget that a step was begun: it failed, and left nothing."""
    connection.execute(statement(sql.load("migrate/forget_step")), _step(step))


def finish_step(connection: Connection, step: Step, duration_ms: int) -> None:
    """Note that a step is done, and with the last one the migration.

    Args:
        connection: inside the transaction that is to hold the record.
        step: what was done.
        duration_ms: how long the migration has taken, this step included.
    """
    if step.total > 1 or not step.transactional or step.may_commit:
        connection.execute(statement(sql.load("migrate/finish_step")), _step(step))
    if step.number < step.total:
        return
    name = "finish_up" if step.direction is Direction.UP else "finish_down"
    values = _migration(step.migration, duration_ms)
    connection.execute(statement(sql.load(f"migrate/{name}")), values)


def _exists(connection: Connection) -> bool:
    return _true(connection, "ledger_exists")


def _true(connection: Connection, name: str) -> bool:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return bool(cursor.execute(statement(sql.load(f"migrate/{name}"))).fetchone())


def _step(step: Step) -> dict[str, object]:
    return {
        "version": step.migration.version,
        "direction": step.direction,
        "step": step.number,
        "checksum": step.checksum,
    }


def _migration(migration: Migration, duration_ms: int) -> dict[str, object]:
    return {
        "version": migration.version,
        "name": migration.name,
        "checksum": migration.up.checksum,
        "down_checksum": migration.down_checksum,
        "duration_ms": duration_ms,
    }
