"""The tables of the server's state, made where they are missing, and checked before."""

import sqlite3
from contextlib import closing

VERSION = 1  # raised when an earlier server could no longer work with the tables
_TABLES = """
CREATE TABLE IF NOT EXISTS instances (
    uid TEXT PRIMARY KEY, project TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
    version TEXT NOT NULL, region TEXT NOT NULL, settings TEXT NOT NULL, address TEXT NOT NULL,
    era INTEGER NOT NULL, created TEXT NOT NULL, extra TEXT NOT NULL,
    facts TEXT NOT NULL DEFAULT '{}',
    UNIQUE (project, name)) STRICT;
CREATE TABLE IF NOT EXISTS operations (
    name TEXT PRIMARY KEY, type TEXT NOT NULL, project TEXT NOT NULL, target TEXT NOT NULL,
    status TEXT NOT NULL, inserted TEXT NOT NULL, source TEXT, started TEXT, ended TEXT,
    error TEXT, backup_id INTEGER, step TEXT NOT NULL, facts TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS open_operations ON operations (project, target)
    WHERE status <> 'DONE';
CREATE TABLE IF NOT EXISTS backup_runs (
    id INTEGER PRIMARY KEY, instance TEXT NOT NULL REFERENCES instances ON DELETE CASCADE,
    status TEXT NOT NULL, type TEXT NOT NULL, description TEXT NOT NULL, version TEXT NOT NULL,
    location TEXT NOT NULL, enqueued TEXT NOT NULL, started TEXT, ended TEXT, error TEXT) STRICT;
CREATE TABLE IF NOT EXISTS bases (
    id INTEGER NOT NULL, instance TEXT NOT NULL REFERENCES instances ON DELETE CASCADE,
    era INTEGER NOT NULL, usable_from TEXT NOT NULL, run INTEGER,
    PRIMARY KEY (instance, id)) STRICT;
CREATE TABLE IF NOT EXISTS kept_backups (
    id INTEGER PRIMARY KEY, project TEXT NOT NULL, instance TEXT NOT NULL, deleted TEXT NOT NULL,
    expires TEXT, run TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
"""
_REPLICAS = "CREATE INDEX IF NOT EXISTS replicas ON instances (json_extract(facts, '$.primary'))"
# Tables and columns that came later, for folders of an earlier version.
_LATER = ("kept_backups", "notes")
_ADDED = (
    ("instances", "facts", "TEXT NOT NULL DEFAULT '{}'"),
    ("backup_runs", "expires", "TEXT"),
    ("backup_runs", "facts", "TEXT NOT NULL DEFAULT '{}'"),
)


def prepare(connection: sqlite3.Connection) -> None:
    """Make what is missing of the tables."""
    connection.executescript(_TABLES)
    for table, column, kind in _ADDED:
        if column not in _columns(connection, table):
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    connection.execute(_REPLICAS)  # behind the column that it is about
    connection.execute(f"PRAGMA user_version = {VERSION}")


def version(connection: sqlite3.Connection) -> int:
    """Return the version of a state's tables; 0 of an earlier server."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def missing(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the tables and columns that a state lacks, as ``bases`` and ``bases.era``.

    What an earlier server's state could lack counts as missing in a later one only.
    """
    known = _tables(connection)
    lacking: list[str] = []
    later = _ADDED if version(connection) < VERSION else ()
    with closing(sqlite3.connect(":memory:")) as model:
        prepare(model)
        for table in sorted(_tables(model)):
            if table not in known:
                lacking += [] if later and table in _LATER else [table]
                continue
            added = {column for name, column, _ in later if name == table}
            columns = _columns(model, table) - _columns(connection, table) - added
            lacking += [f"{table}.{column}" for column in sorted(columns)]
    return tuple(lacking)


def is_empty(connection: sqlite3.Connection) -> bool:
    """Return whether there are no tables at all."""
    return not _tables(connection)


def _tables(connection: sqlite3.Connection) -> frozenset[str]:
    names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return frozenset(str(row[0]) for row in names)


def _columns(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    names = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return frozenset(str(row[0]) for row in names)
