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

_PROBE_TABLE = "ai_square_probe"
_PROBE_INDEX = "ai_square_probe_index"


@dataclass(frozen=True, slots=True)
class Build:
    """An index that is to be built, and who says so.

    Attributes:
        place: where that is written, such as a file and line; messages begin with it.
        command: the command that goes on with the build, for remedies.
        name, schema, table: the index; the schema is empty where the search path decides.
        probe: returns the statement that builds the index on a table, by the names of both.
    """

    place: str
    command: str
    name: str
    schema: str
    table: str
    probe: Callable[[str, str], str]


class IndexDiffersError(OpsError):
    """Something else bears the index's name."""

    def __init__(self, build: Build, definition: str) -> None:
        super().__init__(
            f"{build.place}: {build.name} exists, but is not what this builds: "
            f"{definition or 'it is no index'}. Drop or rename it, or name the new index otherwise."
        )


class IndexBeingBuiltError(OpsError):
    """Another session is building the index."""

    def __init__(self, build: Build, pid: int) -> None:
        super().__init__(
            f"{build.place}: pid {pid} is building {build.name} at this moment. Let it end, then "
            f"run `{build.command}` again."
        )


class IndexInvalidError(OpsError):
    """The build ended, but the index is not whole."""

    def __init__(self, build: Build) -> None:
        super().__init__(
            f"{build.place}: {build.name} is not valid after its build. Run `{build.command}` "
            "again: it is dropped and built anew."
        )


class IndexNotWholeError(OpsError):
    """IF NOT EXISTS would take an invalid index for success."""

    def __init__(self, build: Build, index: str) -> None:
        super().__init__(
            f"{build.place}: {index} exists, but it is not valid: a build of it failed, or its "
            "partitions are not attached. IF NOT EXISTS would take it for done. Drop it "
            f"(DROP INDEX CONCURRENTLY {index}), or make it valid, then run `{build.command}`."
        )


class IndexUnknownError(OpsError):
    """Whether an index is the one that a file describes can't be found out."""

    exit_code = ExitCode.UNKNOWN

    def __init__(self, build: Build, database: str) -> None:
        super().__init__(
            f"{build.place}: {build.name} exists, and whether it is what this builds is unknown: "
            "to compare them needs the privilege TEMPORARY. GRANT TEMPORARY ON DATABASE "
            f"{database} TO the role that builds, or drop the index, and run `{build.command}` "
            "again."
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


def settle(connection: Connection, build: Build, tell: Callable[[str], None]) -> bool:
    """Tell whether the index exists as written; remove what an interrupted build left.

    Raises:
        IndexDiffersError: something else bears its name.
        IndexBeingBuiltError: somebody else is building it.
    """
    index = _free(connection, build)
    if index is None:
        return False
    if not index.whole:
        tell(
            f"{build.place}: {build.name} exists, but it is not valid, as a build that failed "
            "leaves it. It is dropped and built anew"
        )
        _drop(connection, index)
        return False
    _compare(connection, build, index)
    return True


def settle_inside(connection: Connection, build: Build, *, may_be_invalid: bool) -> bool:
    """Tell whether IF NOT EXISTS meets the index that it describes, inside a transaction.

    PostgreSQL takes any relation of the name for success, whatever it is.

    Args:
        connection: in the transaction.
        build: the index.
        may_be_invalid: whether it is not valid at once when it is new, as ON ONLY makes it.

    Raises:
        IndexDiffersError: something else bears the index's name.
        IndexBeingBuiltError: somebody else is building it.
        IndexNotWholeError: it is not valid.
        IndexUnknownError: it can't be compared.
    """
    index = _free(connection, build)
    if index is None:
        return False
    if not index.whole and not may_be_invalid:
        raise IndexNotWholeError(build, regclass(index.schema, index.name))
    _compare(connection, build, index)
    return True


def confirm(connection: Connection, build: Build) -> None:
    """Raise IndexInvalidError unless the index is whole."""
    index = _state(connection, build)
    if index is None or not index.whole:
        raise IndexInvalidError(build)


def clear(connection: Connection, build: Build) -> None:
    """Remove what a failed build left: it costs every write and serves no query."""
    index = _state(connection, build)
    if index is not None and index.on_table and not index.whole and not index.builder:
        _drop(connection, index)


def is_whole(connection: Connection, build: Build) -> bool | None:
    """Return whether the index is whole; None where there is none."""
    index = _state(connection, build)
    return None if index is None else index.whole


def regclass(schema: str, name: str) -> str:
    """Return a relation's name as ``to_regclass`` reads it."""
    return psql.Identifier(*filter(None, (schema, name))).as_string(None)


def _free(connection: Connection, build: Build) -> IndexState | None:
    """Return the index where it is one of the table, and nobody is building it."""
    index = _state(connection, build)
    if index is not None and not index.on_table:
        raise IndexDiffersError(build, index.definition)
    if index is not None and index.builder:
        raise IndexBeingBuiltError(build, index.builder)
    return index


def _state(connection: Connection, build: Build) -> IndexState | None:
    values = {"index": build.name, "table": regclass(build.schema, build.table)}
    with connection.cursor(row_factory=args_row(IndexState)) as cursor:
        return cursor.execute(statement(sql.load("indexbuild/state")), values).fetchone()


def _drop(connection: Connection, index: IndexState) -> None:
    name = psql.Identifier(index.schema, index.name)
    connection.execute(psql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(name))


def _compare(connection: Connection, build: Build, index: IndexState) -> None:
    """Refuse an index that is not what the statement builds.

    PostgreSQL writes definitions in its own words, so the text of the statement can't be
    compared with the catalog's: an empty table of the same shape gets the index too.
    """
    table = psql.Identifier(*filter(None, (build.schema, build.table)))
    create = psql.SQL("CREATE TEMP TABLE {} (LIKE {})")
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(create.format(psql.Identifier(_PROBE_TABLE), table))
            connection.execute(statement(build.probe(_PROBE_TABLE, _PROBE_INDEX)))
            with connection.cursor(row_factory=scalar_row) as cursor:
                query = "SELECT pg_get_indexdef(to_regclass(%s))"
                expected = str(cursor.execute(query, [f"pg_temp.{_PROBE_INDEX}"]).fetchone())
    except errors.InsufficientPrivilege as error:
        database = psql.Identifier(connection.info.dbname).as_string(None)
        raise IndexUnknownError(build, database) from error
    if _shape(index.definition) != _shape(expected):
        raise IndexDiffersError(build, index.definition)


def _shape(definition: str) -> tuple[bool, str]:
    """Return what a definition says besides the names of index and table."""
    head, _, tail = definition.partition(" USING ")
    return head.startswith("CREATE UNIQUE"), tail
