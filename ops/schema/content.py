"""Content hashes: every row of every table, in one pass each.

The sum of the rows' hashes doesn't depend on their order. Types whose equal values can
look different (1.0 and 1.00), or that have no hash (json, xml, point), are hashed as they
are shown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from ops import sql
from ops.checks import limit as limits
from ops.checks import trouble
from ops.checks.crew import Crew, Login
from ops.checks.limit import Limit
from ops.checks.reading import batches, together, under
from ops.checks.result import State
from ops.checks.trouble import Trouble
from ops.db import Connection, statement
from ops.schema.tablecontent import Sum, TableShape

LANES = 2  # connections that read one server side by side
_SMALL_BYTES = 1 << 20

REWRITTEN = Trouble(
    State.UNKNOWN,
    "it was truncated, rewritten or replaced while it was read",
    "Drill again when nobody changes tables.",
)


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds, by stretch, or why that could not be read."""

    shape: TableShape
    sums: Mapping[int, Sum]
    trouble: Trouble | None = None

    @property
    def rows(self) -> int:
        """Return how many rows were read."""
        return sum(stretch.rows for stretch in self.sums.values())


def left_out(connection: Connection) -> Mapping[str, tuple[str, ...]]:
    """Return the tables whose content is not compared on purpose, by the reason."""
    labels: dict[str, tuple[str, ...]] = {}
    for why, label in connection.execute(statement(sql.load("schema/not_compared"))):
        labels[why] = (*labels.get(why, ()), label)
    return labels


def read(
    crew: Crew,
    login: Login,
    tables: Sequence[TableShape],
    snapshot: str = "",
    limit: Limit = limits.NONE,
) -> Mapping[str, Content]:
    """Return the content of tables by their label, read over several connections.

    Args:
        crew: whose threads read.
        login: on the source or on a copy.
        tables: what to read, the largest first.
        snapshot: the exported snapshot to read under; empty reads what is there now.
        limit: tables that are not got to by then have trouble instead.
    """

    def lane(share: Iterator[tuple[TableShape, ...]]) -> Sequence[Content]:
        with crew.connect(login) as connection:
            return _read(connection, share, snapshot, limit)

    contents = crew.share("content", tuple(batches(tables, _small)), LANES, lane)
    return {each.shape.label: each for each in contents}


def read_over(
    connection: Connection,
    tables: Iterable[TableShape],
    snapshot: str = "",
    limit: Limit = limits.NONE,
) -> Sequence[Content]:
    """Return the content of tables, read one after the other; see ``read``."""
    return _read(connection, ((table,) for table in tables), snapshot, limit)


def _small(table: TableShape) -> bool:
    return table.size_bytes <= _SMALL_BYTES and not table.policed


def _read(
    connection: Connection,
    batched: Iterable[tuple[TableShape, ...]],
    snapshot: str,
    limit: Limit,
) -> Sequence[Content]:
    contents: list[Content] = []
    with under(connection, snapshot):
        for batch in batched:
            contents.extend(_contents(connection, batch, snapshot, limit))
    return contents


def _contents(
    connection: Connection, batch: Sequence[TableShape], snapshot: str, limit: Limit
) -> Sequence[Content]:
    def ask(tables: Sequence[TableShape]) -> Sequence[Content]:
        if limit.passed:
            return [Content(table, {}, limits.LATE) for table in tables]
        limit.hold(connection)
        return _sums(connection, tables, snapshot)

    def failed(table: TableShape, error: psycopg.Error) -> Content:
        return Content(table, {}, limit.trouble(trouble.of(error)))

    return together(connection, batch, ask, failed)


def _sums(connection: Connection, batch: Sequence[TableShape], snapshot: str) -> Sequence[Content]:
    if any(table.policed for table in batch):
        connection.execute("SET LOCAL row_security = on")
    sums: list[dict[int, Sum]] = [{} for _ in batch]
    query = statement(sql.render("schema/content", {"tables": batch}))
    for place, stretch, rows, digest in connection.execute(query):
        sums[place][stretch] = Sum(rows, digest)
    moved = _rewritten(connection, batch) if snapshot else frozenset()
    return [
        Content(table, {}, REWRITTEN) if table.oid in moved else Content(table, by_stretch)
        for table, by_stretch in zip(batch, sums, strict=True)
    ]


def _rewritten(connection: Connection, batch: Sequence[TableShape]) -> frozenset[int]:
    """Return the tables whose file is no longer that of the snapshot; their locks are held."""
    query = statement(sql.load("schema/filenodes"))
    now: dict[int, int | None] = dict(
        connection.execute(query, {"relations": [table.oid for table in batch]}).fetchall()
    )
    return frozenset(table.oid for table in batch if now.get(table.oid) != table.filenode)
