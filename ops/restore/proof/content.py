"""Content hashes: every row of every table, in one pass each.

The sum of ``hash_record_extended`` over the rows doesn't depend on their order. Types
whose equal values can look different (1.0 and 1.00), or that have no hash (json, xml,
point), are hashed as text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg

from ops import sql
from ops.db import Connection, statement
from ops.restore.crew import Crew, Login
from ops.restore.proof import trouble
from ops.restore.proof.trouble import Trouble

LANES = 2  # connections that read one server side by side
STRETCHES = 64  # a table is cut into about so many, where rows move while they are read
_PAGE_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and whether its type's equality means the same value."""

    name: str
    exact: bool


@dataclass(frozen=True, slots=True)
class TableShape:
    """How a table is hashed.

    Attributes:
        schema, name: the table's.
        size_bytes: of its main fork, on the source.
        columns: in order; empty where the whole row is hashed as it is.
        stretch_pages: pages a stretch; 0 hashes the table as one.
    """

    schema: str
    name: str
    size_bytes: int
    columns: tuple[Column, ...]
    stretch_pages: int = 0

    @property
    def label(self) -> str:
        """Return the table's name for people."""
        return f"{self.schema}.{self.name}"

    def in_stretches(self) -> "TableShape":
        """Return the same table, hashed in stretches of pages."""
        pages = -(-self.size_bytes // _PAGE_BYTES)
        return replace(self, stretch_pages=max(1, -(-pages // STRETCHES)))


@dataclass(frozen=True, slots=True)
class Sum:
    """What a stretch of a table holds: how many rows, and the sum of their hashes."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds, by stretch, or why that could not be read."""

    shape: TableShape
    sums: Mapping[int, Sum]
    trouble: Trouble | None = None

    @property
    def rows(self) -> int:
        """Return how many rows were read."""
        return sum(one.rows for one in self.sums.values())


def shapes(connection: Connection) -> tuple[TableShape, ...]:
    """Return the tables to be hashed, the largest first."""
    rows = connection.execute(statement(sql.load("restore/content_tables"))).fetchall()
    return tuple(
        TableShape(schema, name, size, _columns(names, exact))
        for schema, name, size, names, exact in rows
    )


def _columns(names: Sequence[str], exact: Sequence[bool]) -> tuple[Column, ...]:
    if all(exact):
        return ()
    return tuple(Column(*pair) for pair in zip(names, exact, strict=True))


def read(
    crew: Crew, login: Login, tables: Sequence[TableShape], snapshot: str = ""
) -> Mapping[str, Content]:
    """Return the content of tables by their label, read over several connections.

    Args:
        crew: whose threads read.
        login: on the source or on a copy.
        tables: what to read, the largest first.
        snapshot: the exported snapshot to read under; empty reads what is there now.
    """

    def lane(taken: Iterator[TableShape]) -> Sequence[Content]:
        with crew.connect(login) as connection:
            return read_over(connection, taken, snapshot)

    found = crew.share("content", tables, LANES, lane)
    return {one.shape.label: one for one in found}


def read_over(
    connection: Connection, tables: Iterable[TableShape], snapshot: str = ""
) -> Sequence[Content]:
    """Return the content of tables, read one after the other; see ``read``."""
    with under(connection, snapshot):
        connection.execute("SET row_security = off")  # an error, rather than hidden rows
        return [_content(connection, table) for table in tables]


@contextmanager
def under(connection: Connection, snapshot: str) -> Iterator[None]:
    """Read everything of the block under one snapshot: an exported one, or a new one."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if snapshot:
            literal = psycopg.sql.Literal(snapshot)
            connection.execute(psycopg.sql.SQL("SET TRANSACTION SNAPSHOT {}").format(literal))
        yield


def _content(connection: Connection, table: TableShape) -> Content:
    structure = {
        "table": (table.schema, table.name),
        "columns": table.columns,
        "stretch_pages": table.stretch_pages,
    }
    query = statement(sql.render("restore/content", structure))
    try:
        with connection.transaction():
            rows = connection.execute(query).fetchall()
    except psycopg.Error as error:
        if connection.broken:
            raise
        return Content(table, {}, trouble.of(error))
    return Content(table, {stretch: Sum(count, digest) for stretch, count, digest in rows})
