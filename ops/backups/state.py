"""Everything a database holds, before an import and after it, and what differs.

The questions and the way to hash rows are those of a drill (``ops.schema``).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import psycopg

from ops import dumptext, sql
from ops.backups.script import Name
from ops.checks.reading import READ, released, under
from ops.checks.sequencebatches import ask_in_batches
from ops.db import Connection, Database, statement
from ops.schema import definitions, tablecontent
from ops.schema.tablecontent import Sum, TableShape


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """What a database holds.

    Attributes:
        answers: definitions of objects, by question and object.
        content: rows and the sum of their hashes, by table.
        counted: rows of tables that are not hashed.
        sequences: last value and file, by sequence.
        next_transaction: rows with an older number were there, modulo 2^32.
        unread: what could not be read, and why.
    """

    answers: Mapping[str, Mapping[str, str]]
    content: Mapping[Name, Sum]
    counted: Mapping[Name, int]
    sequences: Mapping[Name, tuple[int | None, int]]
    next_transaction: int
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return sum(table.rows for table in self.content.values()) + sum(self.counted.values())

    @property
    def size(self) -> int:
        """Return how many things can be compared: definitions, tables and sequences."""
        definitions = sum(map(len, self.answers.values()))
        tables = len(self.content) + len(self.counted)
        return definitions + tables + len(self.sequences) + len(self.unread)


def take(
    database: Database, user: str, filled: Collection[Name] = (), older_than: int = 0
) -> DatabaseState:
    """Read a database's state under one snapshot.

    Args:
        database: which one.
        user: as whom.
        filled: tables of which only older rows are hashed.
        older_than: than this transaction number; 0 hashes all.

    Raises:
        ops.errors.OpsError: it can't be read at all.
    """
    unread: dict[str, str] = {}
    with database.connect(user, budget=READ, name="backup.import") as connection, under(connection):
        row = connection.execute(statement(sql.load("backup/next_transaction"))).fetchone()
        answers = {question: _ask(connection, question, unread) for question in definitions.EQUAL}
        content: dict[Name, Sum] = {}
        for shape in tablecontent.shapes(connection):
            name = (shape.schema, shape.name)
            older = older_than if name in filled else 0
            hashed = _hash(connection, replace(shape, older_than=older), unread)
            if hashed is not None:
                content[name] = hashed
        counted = _count(connection, content, unread, filled if older_than else ())
        sequences = dict(_positions(connection, unread))
    return DatabaseState(answers, content, counted, sequences, row[0] if row else 0, unread)


def _ask(connection: Connection, question: str, unread: dict[str, str]) -> Mapping[str, str]:
    try:
        return definitions.ask(connection, question)
    except psycopg.Error as error:
        _note(connection, unread, question.replace("_", " "), error)
        return {}


def _hash(connection: Connection, shape: TableShape, unread: dict[str, str]) -> Sum | None:
    query = statement(sql.render("schema/content", {"tables": [shape]}))
    try:
        with released(connection):
            if shape.policed:
                connection.execute("SET LOCAL row_security = on")
            rows = connection.execute(query).fetchall()
    except psycopg.Error as error:
        _note(connection, unread, dumptext.label((shape.schema, shape.name)), error)
        return None
    return Sum(rows[0][2], rows[0][3]) if rows else Sum(0, "0")


def _count(
    connection: Connection,
    content: Mapping[Name, Sum],
    unread: dict[str, str],
    filled: Collection[Name],
) -> Mapping[Name, int]:
    """Return the rows of tables that are not hashed: unlogged ones, and those of drills."""
    counted: dict[Name, int] = {}
    for (parts,) in connection.execute(statement(sql.load("backup/tables"))).fetchall():
        name, label = tuple(parts), dumptext.label(parts)
        if name in content or label in unread or name in filled:
            continue
        try:
            with released(connection):
                query = statement(sql.render("backup/row_count", {"table": name}))
                row = connection.execute(query).fetchone()
        except psycopg.Error as error:
            _note(connection, unread, label, error)
            continue
        counted[name] = row[0] if row else 0
    return counted


def _positions(
    connection: Connection, unread: dict[str, str]
) -> Iterator[tuple[Name, tuple[int | None, int]]]:
    rows = ask_in_batches(connection, "schema/sequences", apart=released)
    for label, is_readable, last, *_, file in rows:
        if is_readable:
            yield dumptext.table(label), (last, file)
        else:
            unread[f"sequence {label}"] = "permission denied"


def _note(connection: Connection, unread: dict[str, str], name: str, error: psycopg.Error) -> None:
    if connection.broken:
        raise error
    unread[name] = error.diag.message_primary or str(error)
