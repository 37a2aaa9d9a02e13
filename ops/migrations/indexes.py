"""CREATE INDEX CONCURRENTLY as a state machine, read from the catalog.

Absent, the index is built; invalid, it is dropped concurrently and built anew; whole
and as written, it is done. That an index of the name exists never counts by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import errors
from psycopg import sql as psql
from psycopg.rows import args_row, scalar_row

from ops import sql
from ops.db import Connection, statement
from ops.errors import ExitCode, OpsError
from ops.migrations import parse
from ops.migrations.facts import IndexBuild
from ops.migrations.parse import Statement
from ops.migrations.steps import Step

_PROBE_TABLE = "migration_probe"
_PROBE_INDEX = "migration_probe_index"


class IndexDiffersError(OpsError):
    """Something else bears the index's name."""

    def __init__(self, place: str, name: str, definition: str) -> None:
        super().__init__(
            f"{place}: {name} exists, but is not what this migration builds: "
            f"{definition or 'it is no index'}. Drop or rename it, or name the new index otherwise."
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


class IndexNotWholeError(OpsError):
    """IF NOT EXISTS would take an invalid index for success."""

    def __init__(self, place: str, index: str) -> None:
        super().__init__(
            f"{place}: {index} exists, but it is not valid: a build of it failed, or its "
            "partitions are not attached. IF NOT EXISTS would take it for done. Drop it "
            f"(DROP INDEX CONCURRENTLY {index}), or make it valid, then run `invoke migrate.up`."
        )


class IndexUnknownError(OpsError):
    """Whether an index is the one that a file describes can't be found out."""

    exit_code = ExitCode.UNKNOWN

    def __init__(self, place: str, index: str, database: str) -> None:
        super().__init__(
            f"{place}: {index} exists, and whether it is what this migration builds is unknown: to "
            f"compare them needs the privilege TEMPORARY. GRANT TEMPORARY ON DATABASE {database} "
            "TO the role that migrates, or drop the index, and run `invoke migrate.up` again."
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


def settle(
    connection: Connection, step: Step, effect: IndexBuild, tell: Callable[[str], None]
) -> bool:
    """Tell whether the index stands as written; remove what an interrupted build left.

    Raises:
        IndexDiffersError: something else bears its name.
        IndexBeingBuiltError: somebody else is building it.
    """
    index = _state(connection, effect)
    if index is None:
        return False
    if not index.on_table:
        raise IndexDiffersError(step.place, effect.name, index.definition)
    if index.builder:
        raise IndexBeingBuiltError(step.place, effect.name, index.builder)
    if not index.whole:
        tell(
            f"{step.place}: {effect.name} exists, but it is not valid, as a build that failed "
            "leaves it. It is dropped and built anew"
        )
        _drop(connection, index)
        return False
    _compare(connection, step.place, step.statements[0], effect, index)
    return True


def settle_inside(connection: Connection, place: str, parsed: Statement) -> bool:
    """Tell whether IF NOT EXISTS meets the index that it describes, inside a transaction.

    PostgreSQL takes any relation of the name for success, whatever it is.

    Raises:
        IndexDiffersError: something else bears the index's name.
        IndexBeingBuiltError: somebody else is building it.
        IndexNotWholeError: it is not valid.
        IndexUnknownError: it can't be compared.
    """
    effect = parse.index_unless_exists(parsed)
    if effect is None or not effect.name:
        return False
    state = _state(connection, effect)
    if state is None:
        return False
    if not state.on_table:
        raise IndexDiffersError(place, effect.name, state.definition)
    if state.builder:
        raise IndexBeingBuiltError(place, effect.name, state.builder)
    if not state.whole and not parse.is_only(parsed):
        raise IndexNotWholeError(place, regclass(state.schema, state.name))
    _compare(connection, place, parsed, effect, state)
    return True


def confirm(connection: Connection, step: Step, effect: IndexBuild) -> None:
    """Raise IndexInvalidError unless the index is whole."""
    index = _state(connection, effect)
    if index is None or not index.whole:
        raise IndexInvalidError(step.place, effect.name)


def clear(connection: Connection, effect: IndexBuild) -> None:
    """Remove what a failed build left: it costs every write and serves no query."""
    index = _state(connection, effect)
    if index is not None and index.on_table and not index.whole and not index.builder:
        _drop(connection, index)


def is_whole(connection: Connection, effect: IndexBuild) -> bool | None:
    """Return whether the index is whole; None where there is none."""
    state = _state(connection, effect)
    return None if state is None else state.whole


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


def _compare(
    connection: Connection, place: str, parsed: Statement, effect: IndexBuild, state: IndexState
) -> None:
    """Refuse an index that is not what the statement builds.

    PostgreSQL writes definitions in its own words, so the text of the file can't be
    compared with the catalog's: an empty table of the same shape gets the index too.
    """
    table = psql.Identifier(*filter(None, (effect.schema, effect.table)))
    create = psql.SQL("CREATE TEMP TABLE {} (LIKE {})")
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(create.format(psql.Identifier(_PROBE_TABLE), table))
            connection.execute(statement(parse.probe(parsed, _PROBE_TABLE, _PROBE_INDEX)))
            with connection.cursor(row_factory=scalar_row) as cursor:
                query = "SELECT pg_get_indexdef(to_regclass(%s))"
                expected = str(cursor.execute(query, [f"pg_temp.{_PROBE_INDEX}"]).fetchone())
    except errors.InsufficientPrivilege as error:
        database = psql.Identifier(connection.info.dbname).as_string(None)
        raise IndexUnknownError(place, effect.name, database) from error
    if _shape(state.definition) != _shape(expected):
        raise IndexDiffersError(place, effect.name, state.definition)


def _shape(definition: str) -> tuple[bool, str]:
    """Return what a definition says besides the names of index and table."""
    head, _, tail = definition.partition(" USING ")
    return head.startswith("CREATE UNIQUE"), tail
