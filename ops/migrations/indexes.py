"""CREATE INDEX CONCURRENTLY as a state machine, read from the catalog.

Absent, the index is built; invalid, it is dropped concurrently and built anew; whole
and as written, it is done. That an index of the name exists never counts by itself.
"""

from dataclasses import dataclass

from psycopg import sql as psql
from psycopg.rows import args_row, scalar_row

from ops import sql
from ops.db import Connection, statement
from ops.errors import OpsError
from ops.migrations import parse
from ops.migrations.facts import IndexBuild
from ops.migrations.steps import Step

_PROBE_TABLE = "migration_probe"
_PROBE_INDEX = "migration_probe_index"


class IndexDiffersError(OpsError):
    """Something else bears the index's name."""

    def __init__(self, place: str, name: str, found: str) -> None:
        super().__init__(
            f"{place}: {name} exists, but is not what this migration builds: "
            f"{found or 'it is no index'}. Drop or rename it, or name the new index otherwise."
        )


class IndexBeingBuiltError(OpsError):
    """Another session is building the index."""

    def __init__(self, place: str, name: str, pid: int) -> None:
        super().__init__(
            f"{place}: pid {pid} is building {name} at this moment. Let it end, then run "
            "`invoke migrate.up` again."
        )


class IndexInvalidError(OpsError):
    """The build ended, but the index is not whole."""

    def __init__(self, place: str, name: str) -> None:
        super().__init__(
            f"{place}: {name} is not valid after its build. Run `invoke migrate.up` again: it is "
            "dropped and built anew."
        )


@dataclass(frozen=True, slots=True)
class IndexState:
    """What stands under an index's name."""

    schema: str
    name: str
    on_table: bool
    whole: bool
    definition: str
    builder: int


def settle(connection: Connection, step: Step, effect: IndexBuild) -> bool:
    """Tell whether the index stands as written; remove what an interrupted build left.

    Raises:
        IndexDiffersError: something else bears its name.
        IndexBeingBuiltError: somebody else is building it.
    """
    found = _state(connection, effect)
    if found is None:
        return False
    if not found.on_table:
        raise IndexDiffersError(step.place, effect.name, found.definition)
    if found.builder:
        raise IndexBeingBuiltError(step.place, effect.name, found.builder)
    if not found.whole:
        _drop(connection, found)
        return False
    if _shape(found.definition) != _shape(_expected(connection, step, effect)):
        raise IndexDiffersError(step.place, effect.name, found.definition)
    return True


def confirm(connection: Connection, step: Step, effect: IndexBuild) -> None:
    """Raise IndexInvalidError unless the index is whole."""
    found = _state(connection, effect)
    if found is None or not found.whole:
        raise IndexInvalidError(step.place, effect.name)


def clear(connection: Connection, effect: IndexBuild) -> None:
    """Remove what a failed build left: it costs every write and serves no query."""
    found = _state(connection, effect)
    if found is not None and found.on_table and not found.whole and not found.builder:
        _drop(connection, found)


def regclass(schema: str, name: str) -> str:
    """Return a relation's name as ``to_regclass`` reads it."""
    return psql.Identifier(*filter(None, (schema, name))).as_string(None)


def _state(connection: Connection, effect: IndexBuild) -> IndexState | None:
    values = {"index": effect.name, "table": regclass(effect.schema, effect.table)}
    with connection.cursor(row_factory=args_row(IndexState)) as cursor:
        return cursor.execute(statement(sql.load("migrate/index_state")), values).fetchone()


def _drop(connection: Connection, index: IndexState) -> None:
    name = psql.Identifier(index.schema, index.name)
    connection.execute(psql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(name))


def _expected(connection: Connection, step: Step, effect: IndexBuild) -> str:
    """Return the definition that the statement gives, from an empty table of the same shape.

    PostgreSQL writes definitions in its own words, so the text of the file can't be
    compared with the catalog's.
    """
    table = psql.Identifier(*filter(None, (effect.schema, effect.table)))
    create = psql.SQL("CREATE TEMP TABLE {} (LIKE {})")
    with connection.transaction(force_rollback=True):
        connection.execute(create.format(psql.Identifier(_PROBE_TABLE), table))
        connection.execute(statement(parse.probe(step.statements[0], _PROBE_TABLE, _PROBE_INDEX)))
        with connection.cursor(row_factory=scalar_row) as cursor:
            asked = "SELECT pg_get_indexdef(to_regclass(%s))"
            return str(cursor.execute(asked, [f"pg_temp.{_PROBE_INDEX}"]).fetchone())


def _shape(definition: str) -> tuple[bool, str]:
    """Return what a definition says besides the names of index and table."""
    head, _, tail = definition.partition(" USING ")
    return head.startswith("CREATE UNIQUE"), tail
