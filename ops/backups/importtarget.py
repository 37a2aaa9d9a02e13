"""What the database of an import has: its tables, and how many rows."""

from collections.abc import Collection, Mapping

from ops import dumptext, sql
from ops.backups.script import Extensions, Name
from ops.db import DIAGNOSTIC, VERIFY, Database, statement


def resolve_table(database: Database, user: str, name: str) -> str:
    """Return the name of a table, given with its schema, as SQL reads it; else as it was given."""
    with database.connect(user, budget=DIAGNOSTIC, name="backup.import") as connection:
        rows = connection.execute(statement(sql.load("backup/names"))).fetchall()
    parts = dumptext.resolve(name, [(schema, table) for ((schema, table),) in rows])
    spelled = (dumptext.table(name), tuple(name.split(".", 1)))
    return name if parts is None or parts not in spelled else dumptext.label(parts)


def relation_names(database: Database, user: str) -> tuple[str, ...]:
    """Return the schemas, tables, views and sequences that are there."""
    with database.connect(user, budget=DIAGNOSTIC, name="backup.import") as connection:
        rows = connection.execute(statement(sql.load("backup/relations"))).fetchall()
    return tuple(dumptext.label(parts) for (parts,) in rows)


def count_rows(database: Database, user: str, tables: Collection[Name]) -> Mapping[Name, int]:
    """Return how many rows those of the tables have that are there."""
    counts: dict[Name, int] = {}
    with database.connect(user, budget=VERIFY, name="backup.import") as connection:
        for (parts,) in connection.execute(statement(sql.load("backup/names"))).fetchall():
            name = tuple(parts)
            if name in tables:
                query = statement(sql.render("backup/row_count", {"table": name}))
                row = connection.execute(query).fetchone()
                counts[name] = int(row[0]) if row else 0
    return counts


def extensions(database: Database, owner: str, user: str, *, is_new: bool) -> Extensions:
    """Return the extensions that an import's statements may be about.

    Args:
        database: where to; the template of one that is made for the import.
        owner: who asks.
        user: whose rights the import has.
        is_new: it is made for the import: who makes objects there may install trusted ones.
    """
    query = statement(sql.load("backup/extensions"))
    with database.connect(owner, budget=DIAGNOSTIC, name="backup.import") as connection:
        rows = connection.execute(query, {"user": user}).fetchall()
    return Extensions(
        frozenset(
            name for name, is_there, _, is_trusted in rows if is_there or (is_new and is_trusted)
        ),
        frozenset(name for name, _, is_own, _ in rows if is_own),
    )


def is_empty(database: Database, user: str) -> bool:
    """Return whether there is nothing in a database that a file could concern but its own."""
    with database.connect(user, budget=DIAGNOSTIC, name="backup.import") as connection:
        row = connection.execute(statement(sql.load("backup/is_empty"))).fetchone()
    return row is not None and bool(row[0])
