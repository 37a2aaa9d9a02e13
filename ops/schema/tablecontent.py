"""Tables as they are hashed: every row of every table, in one pass each.

The sum of the rows' hashes doesn't depend on their order. Types whose equal values can
look different (1.0 and 1.00), or that have no hash (json, xml, point), are hashed as they
are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ops import sql
from ops.checks.result import ObjectId
from ops.db import Connection, statement

STRETCHES = 64  # a table is cut into about so many, where rows move while they are read
_PAGE_BYTES = 8192


class Hashed(StrEnum):
    """How a column is hashed."""

    AS_IT_IS = "as it is"
    AS_TEXT = "as text"
    AS_SHOWN = "as shown"


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and how it is hashed."""

    name: str
    hashed: Hashed

    @property
    def exact(self) -> bool:
        """Return whether its type's equality means the same value."""
        return self.hashed is Hashed.AS_IT_IS


@dataclass(frozen=True, slots=True)
class TableShape:
    """How a table is hashed.

    Attributes:
        schema, name: the table's.
        size_bytes: of its main fork, on the source.
        columns: in order.
        stretch_pages: pages a stretch; 0 hashes the table as one.
        oid, filenode: the table's and its file's, on the source at the marker.
        policed: row security applies to us, with a policy that shows every row.
        older_than: hash only rows that were written before this transaction, by its number
            modulo 2^32; 0 hashes all.
    """

    schema: str
    name: str
    size_bytes: int
    columns: tuple[Column, ...]
    stretch_pages: int = 0
    oid: int = 0
    filenode: int = 0
    policed: bool = False
    older_than: int = 0

    @property
    def label(self) -> str:
        """Return the table's name for people."""
        return f"{self.schema}.{self.name}"

    @property
    def object(self) -> ObjectId:
        """Return which table it is."""
        return ObjectId("table", self.name, self.schema)

    def in_stretches(self) -> "TableShape":
        """Return the same table, hashed in stretches of pages."""
        pages = -(-self.size_bytes // _PAGE_BYTES)
        return replace(self, stretch_pages=max(1, -(-pages // STRETCHES)))


@dataclass(frozen=True, slots=True)
class Sum:
    """What a stretch of a table holds: how many rows, and the sum of their hashes."""

    rows: int
    digest: str


def shapes(connection: Connection) -> tuple[TableShape, ...]:
    """Return the tables to be hashed, the largest first."""
    rows = connection.execute(statement(sql.load("schema/content_tables"))).fetchall()
    return tuple(
        TableShape(schema, name, size, _columns(names, hashed), 0, oid, filenode, policed)
        for schema, name, oid, size, filenode, policed, names, hashed in rows
    )


def _columns(names: Sequence[str], hashed: Sequence[str]) -> tuple[Column, ...]:
    return tuple(Column(name, Hashed(how)) for name, how in zip(names, hashed, strict=True))
