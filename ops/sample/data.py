"""Sample data for the product's schema: generated in the database, the same for the same seed.

The data is skewed as an application's is (few programs are popular, few users are
eager, nearly every evaluation comes from the model), so that a plan that is wrong for
such tables shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg.errors import UndefinedTable

from ops import sql
from ops.console import Phase, Progress, Silent, Table
from ops.db import Connection, statement
from ops.errors import BadInputError, OpsError

ROWS = 210_000  # a few seconds; indexes are chosen or not as on real tables
LEAST_ROWS = 1_000  # below it the smallest tables would stay empty
# The share of every table, parents before their children.
_SHARES: Mapping[str, float] = {
    "users": 0.24,
    "user_preferences": 0.16,
    "programs": 0.002,
    "tasks": 0.048,
    "user_learning_paths": 0.08,
    "task_responses": 0.29,
    "evaluations": 0.18,
}
_QUIET = Silent()


class TooFewRowsError(BadInputError):
    """So few rows that tables would stay empty."""

    def __init__(self, rows: int) -> None:
        super().__init__(f"{rows} rows are too few for seven tables. Ask for {LEAST_ROWS} or more.")


class OccupiedError(OpsError):
    """Tables hold rows already."""

    def __init__(self, tables: Sequence[str]) -> None:
        super().__init__(
            f"Sample data goes into empty tables only, and {', '.join(tables)} hold rows. Use "
            "another database, or empty them first."
        )


class NoSchemaError(OpsError):
    """The tables are not there."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The schema is not whole: {reason}. Run `invoke migrate.up` first.")


@dataclass(frozen=True, slots=True)
class FilledTable:
    """One table, and how many rows it got."""

    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class Filled:
    """What was generated."""

    seed: int
    tables: tuple[FilledTable, ...]

    @property
    def rows(self) -> int:
        """Return how many rows all tables got."""
        return sum(table.rows for table in self.tables)

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        rows = tuple((table.name, f"{table.rows:,}") for table in self.tables)
        return [Table(f"Sample data: {self.rows:,} rows", ("table", "rows"), rows)]


def fill(
    connection: Connection, *, rows: int = ROWS, seed: int = 1, progress: Progress = _QUIET
) -> Filled:
    """Fill the empty tables of the product's schema, all of them or none.

    Args:
        connection: of the schema's owner.
        rows: how many in total.
        seed: the same seed and rows give the same data.
        progress: shows which table is being filled.

    Raises:
        TooFewRowsError: fewer rows than make sense.
        OccupiedError: a table holds rows already.
        NoSchemaError: the migrations are not applied.
    """
    if rows < LEAST_ROWS:
        raise TooFewRowsError(rows)
    _refuse_occupied(connection)
    with progress.phase("Sample data", rows) as phase, connection.transaction():
        _refuse_occupied(connection)  # again: what is true of a transaction
        connection.execute(statement(sql.load("sample/chance")))
        connection.execute(statement(sql.load("sample/seed")), {"seed": seed})
        tables = tuple(
            _fill(connection, name, round(rows * share), phase) for name, share in _SHARES.items()
        )
        connection.execute(statement(sql.load("sample/sequences")))
        phase.note("statistics")
        connection.execute(statement(sql.load("sample/analyze")))
    return Filled(seed, tables)


def _fill(connection: Connection, name: str, rows: int, phase: Phase) -> FilledTable:
    phase.note(name)
    done = connection.execute(statement(sql.load(f"sample/{name}")), {"rows": rows})
    phase.advance(done.rowcount)
    return FilledTable(name, done.rowcount)


def _refuse_occupied(connection: Connection) -> None:
    try:
        occupied = [row[0] for row in connection.execute(statement(sql.load("sample/occupied")))]
    except UndefinedTable as error:
        raise NoSchemaError(error.diag.message_primary or str(error)) from error
    if occupied:
        raise OccupiedError(occupied)
